package import Quantities

/// How much memory a process may have here, and whose limit that is: a container's is often a small
/// part of what its machine has.
///
/// It is no part of a machine's identity: times do not depend on it while a case fits.
package struct MemoryRoom: Hashable, Codable, Sendable {
  /// The most that a process may have: the least of what the machine has and what limits leave of it.
  package var limit: Bytes
  package var bound: Bound
  /// The control group's folder, or the `ulimit` option; nil where it is the machine's memory.
  package var place: String?
  /// What the machine has, by the kernel's own count; nil where that is not told.
  package var installed: Bytes?
  /// What of it is to be had now, whatever a group leaves.
  package var availableOfMachine: Bytes?

  /// Whose limit it is.
  package enum Bound: String, Codable, Sendable {
    case machine
    case controlGroup = "control-group"
    /// A limit that the system puts over each process by itself.
    case process
  }

  package init(
    limit: Bytes, bound: Bound, place: String?, installed: Bytes?, availableOfMachine: Bytes? = nil
  ) {
    self.limit = limit
    self.bound = bound
    self.place = place
    self.installed = installed
    self.availableOfMachine = availableOfMachine
  }

  /// Whose limit it is, in words: `this machine's memory`.
  package var owner: String {
    switch bound {
    case .machine: "this machine's memory"
    case .controlGroup: "the control group's limit"
    case .process: place ?? "a limit of the process's"
    }
  }

  /// Words for available bytes: of the group alone where that has less than the machine.
  package func available(_ bytes: Bytes) -> String {
    guard bound != .machine, let availableOfMachine, availableOfMachine > bytes else {
      return "\(bytes)"
    }
    return "\(bytes), within \(owner); the machine has \(availableOfMachine)"
  }

  package var defect: String? {
    [limit, installed, availableOfMachine].lazy.compactMap { $0?.defect }.first
  }
}

extension MemoryRoom: CustomStringConvertible {
  /// `3.00 GiB, the control group's limit; the machine has 22.8 GiB`
  package var description: String {
    guard bound != .machine else { return "\(limit), all that the machine has" }
    return "\(limit), \(owner)" + (installed.map { "; the machine has \($0)" } ?? "")
  }
}
