package import Quantities
package import Records
package import SystemPackage
import Synchronization

/// What all cases of a sweep share.
package final class SweepSetting: Sendable {
  package let program: FilePath
  package let host: any Host
  package let machine: Machine
  package let ceilings: Ceilings
  /// The processors that cases are bound to, in order.
  package let cpus: [Int]
  package let seed: UInt64
  /// The relative half-width at which a case may stop.
  package let within: Double
  package let budget: Seconds
  package let timeout: Seconds
  package let runs: Int
  package let sampling: Sampling
  private let names = Mutex(0)

  package struct Sampling: Sendable {
    package var block = Seconds(0.1)
    package var sample = Seconds(0.001)
    package init() {}
  }

  package init(
    program: FilePath, host: any Host, machine: Machine, ceilings: Ceilings, cpus: [Int],
    seed: UInt64, within: Double, budget: Seconds, timeout: Seconds, runs: Int,
    sampling: Sampling = Sampling()
  ) {
    self.program = program
    self.host = host
    self.machine = machine
    self.ceilings = ceilings
    self.cpus = cpus
    self.seed = seed
    self.within = within
    self.budget = budget
    self.timeout = timeout
    self.runs = runs
    self.sampling = sampling
  }

  /// A file name that no other child of this sweep has.
  func nextName() -> String {
    names.withLock { count in
      count += 1
      return "child-\(count)"
    }
  }
}
