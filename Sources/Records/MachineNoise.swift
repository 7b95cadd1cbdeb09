package import Quantities

/// How far a machine's speed moves from moment to moment, by the probes that sweeps take.
package struct MachineNoise: Codable, Sendable {
  /// Probes that were taken, one after another.
  package let probes: Int
  /// The middle four fifths of them from end to end, as a share of their median.
  package let compute: Reading<Double>
  package let memory: Reading<Double>

  package init(probes: Int, compute: Reading<Double>, memory: Reading<Double>) {
    self.probes = probes
    self.compute = compute
    self.memory = memory
  }
}
