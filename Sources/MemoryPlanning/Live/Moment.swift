package import Quantities

/// What lives at one moment, as far as a batch does not matter.
package struct Moment: Sendable {
  package let phase: PlanPhase
  /// What is computed, in words: `softmax's way back, last layer`.
  package let place: String
  let total: ScaledBytes
  /// By the place of a role among all.
  let byRole: [ScaledBytes]
  /// What it is made of; empty unless it is asked for.
  package let terms: [Term]

  /// One thing that lives.
  package struct Term: Sendable {
    package let name: String
    package let role: MemoryRole
    package let size: ScaledBytes
  }

  package func bytes(at counts: BatchCounts) -> Int { total.bytes(at: counts) }

  package func roles(at counts: BatchCounts) -> [MemoryRole: Bytes] {
    var found: [MemoryRole: Bytes] = [:]
    for (role, size) in zip(MemoryRole.allCases, byRole) {
      let bytes = size.bytes(at: counts)
      if bytes > 0 { found[role] = Bytes(bytes) }
    }
    return found
  }
}
