package import Quantities

/// Memory that tensors share whose lives do not overlap: who lives where is laid out ahead, so that nothing is
/// allocated while a step runs.
///
/// The ledger counts what lives in it, by role and phase; `bytes` are what the process has.
package final class Arena: Sendable {
  private let allocation: Allocation
  private let ledger: MemoryLedger
  package let bytes: Bytes

  /// - Throws: `LedgerFault` where it does not fit.
  package init(_ bytes: Bytes, in ledger: MemoryLedger) throws {
    self.ledger = ledger
    self.bytes = bytes
    allocation = try ledger.reserve(bytes)
  }

  /// A tensor that begins so many bytes from the start.
  package func tensor(_ elementType: ElementType, _ shape: [Int], at offset: Int) -> Tensor {
    Tensor(elementType, shape, allocation, offset: offset)
  }
}

extension MemoryLedger {
  /// Tells that something in an arena begins to live, or that it is needed no more.
  package func note(_ tenant: ArenaTenant, lives: Bool) {
    if lives {
      enter(tenant.bytes, role: tenant.role)
    } else {
      leave(tenant.bytes, role: tenant.role)
    }
  }

  /// Tells the first before there is an arena.
  ///
  /// - Throws: `LedgerFault` where that would pass the budget.
  package func admit(_ tenant: ArenaTenant) throws {
    try enterChecked(tenant.bytes, role: tenant.role)
  }
}

/// Something that lies in an arena from one instruction of a step to another.
package struct ArenaTenant: Hashable, Sendable {
  package let bytes: Bytes
  package let role: MemoryRole
  /// Its first and its last instruction.
  package let life: ClosedRange<Int>

  package init(bytes: Bytes, role: MemoryRole, life: ClosedRange<Int>) {
    self.bytes = bytes
    self.role = role
    self.life = life
  }
}

/// Where the tenants of an arena lie: of those whose lives overlap, none does in memory.
///
/// Offline, the largest first, each at the lowest place that is free for all of its life.
///
/// - Source: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020),
///   "greedy by size for offset calculation".
package struct ArenaLayout: Sendable {
  /// In bytes, in the order of the tenants.
  package let offsets: [Int]
  package let bytes: Bytes

  /// Tenants begin at multiples of a cache line.
  package init(_ tenants: [ArenaTenant]) {
    let order = tenants.indices.sorted {
      (tenants[$1].bytes, $0) < (tenants[$0].bytes, $1)
    }
    var offsets = Array(repeating: 0, count: tenants.count)
    var placed: [Int] = []
    var end = 0
    for index in order {
      let tenant = tenants[index]
      let size = roundUp(tenant.bytes.count, to: 64)
      var at = 0
      for other in placed where tenants[other].life.overlaps(tenant.life) {
        // Those placed lie in the order of their offsets.
        if offsets[other] >= at + size { break }
        at = max(at, offsets[other] + roundUp(tenants[other].bytes.count, to: 64))
      }
      offsets[index] = at
      end = max(end, at + size)
      let place = placed.firstIndex { offsets[$0] > at } ?? placed.count
      placed.insert(index, at: place)
    }
    self.offsets = offsets
    bytes = Bytes(end)
  }
}
