import Comparing
package import Quantities

/// What head does beyond its own work, where the gate itself is on trial.
package struct GateTrialWork: Sendable {
  /// 0.05 is 5 calls more for each 100.
  package var extraWork = 0.0
  /// One allocation more, of so many bytes.
  package var extraBytes: Bytes?
  /// A shell's pattern for the cases that are so changed.
  package var pattern = "*"

  package init() {}

  func concerns(_ name: String) -> Bool { Acceptance.matches(name, pattern) }
}
