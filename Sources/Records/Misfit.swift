package import Quantities

/// Why a case is predicted not to fit: it needs more than some limit leaves it.
package struct Misfit: Hashable, Codable, Sendable {
  /// The most that the case's tensors take at one time.
  package var needed: Bytes
  package var limit: Bytes
  /// Whose limit it is: `memory-limit`, `this machine's memory`.
  package var owner: String

  package init(needed: Bytes, limit: Bytes, owner: String) {
    self.needed = needed
    self.limit = limit
    self.owner = owner
  }

  /// The tighter of two limits that are passed; nil where neither is.
  ///
  /// - Parameters:
  ///   - memoryLimit: the suite's or the command line's.
  ///   - room: what there is here, whoever limits it.
  package init?(needed: Bytes, memoryLimit: Bytes?, room: MemoryRoom?) {
    let limits = [
      memoryLimit.map { ($0, "memory-limit") }, room.map { ($0.limit, $0.owner) },
    ].compactMap(\.self)
    guard let tightest = limits.min(by: { $0.0 < $1.0 }), needed > tightest.0 else { return nil }
    self.init(needed: needed, limit: tightest.0, owner: tightest.1)
  }

  package var defect: String? { needed.defect ?? limit.defect }
}

extension Misfit: CustomStringConvertible {
  /// `needs 133 GiB, the limit is 24.0 GiB (memory-limit)`
  package var description: String { "needs \(needed), the limit is \(limit) (\(owner))" }
}
