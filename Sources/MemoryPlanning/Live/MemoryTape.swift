import Quantities

/// Follows what lives while a step is gone through, and remembers the moments that may be its peak.
///
/// A moment that never exceeds another of its phase, whatever the batch is, is forgotten at once: some dozens stay.
struct MemoryTape {
  private(set) var moments: [Moment] = []
  private(set) var total = ScaledBytes.zero
  private(set) var byRole = MemoryRole.allCases.map { _ in ScaledBytes.zero }
  private var blocks: [Entry] = []
  /// Things by name that nobody lets go of one by one.
  private var lumps: [(name: String, block: Block)] = []
  private let isExplained: Bool
  /// All that was allocated and let go of, in order; nil where nobody asks.
  private(set) var journal: [Event]?
  var phase = PlanPhase.load
  /// Said behind what is computed.
  var layer = ""

  private struct Entry {
    let name: String
    let role: MemoryRole
    let size: ScaledBytes
    var holders: Int
  }

  /// Memory begins to live, or ends.
  struct Event {
    let block: Int
    /// Nil where it ends.
    let size: ScaledBytes?
  }

  /// A stretch of memory.
  struct Block: Hashable {
    fileprivate let index: Int
  }

  /// - Parameters:
  ///   - isExplained: whether each moment lists what it is made of.
  ///   - keepsJournal: whether it remembers each event.
  init(isExplained: Bool, keepsJournal: Bool = false) {
    self.isExplained = isExplained
    journal = keepsJournal ? [] : nil
  }

  /// Memory with one holder.
  mutating func allocate(_ name: String, _ role: MemoryRole, _ size: ScaledBytes) -> Block {
    add(size, role)
    blocks.append(Entry(name: name, role: role, size: size, holders: 1))
    journal?.append(Event(block: blocks.count - 1, size: size))
    note(name)
    return Block(index: blocks.count - 1)
  }

  mutating func hold(_ block: Block) { blocks[block.index].holders += 1 }

  mutating func release(_ block: Block) {
    blocks[block.index].holders -= 1
    precondition(blocks[block.index].holders >= 0, "memory is let go of once")
    if blocks[block.index].holders == 0 {
      journal?.append(Event(block: block.index, size: nil))
      add(.zero - blocks[block.index].size, blocks[block.index].role)
    }
  }

  /// Whether somebody else holds it, too.
  func isShared(_ block: Block) -> Bool { blocks[block.index].holders > 1 }

  func size(of block: Block) -> ScaledBytes { blocks[block.index].size }

  /// What lives until it is taken back by the same name, or to the end.
  mutating func keep(_ name: String, _ role: MemoryRole, _ size: ScaledBytes) {
    lumps.append((name, allocate(name, role, size)))
  }

  mutating func letGo(_ name: String) {
    for lump in lumps where lump.name == name { release(lump.block) }
    lumps.removeAll { $0.name == name }
  }

  /// Memory that is gone when the next thing happens.
  mutating func pass(_ name: String, _ role: MemoryRole, _ size: ScaledBytes) {
    release(allocate(name, role, size))
  }

  private mutating func add(_ size: ScaledBytes, _ role: MemoryRole) {
    total += size
    byRole[Self.place(role)] += size
  }

  private static func place(_ role: MemoryRole) -> Int {
    MemoryRole.allCases.firstIndex(of: role) ?? 0
  }

  private mutating func note(_ name: String) {
    if journal != nil { return }
    for moment in moments where moment.phase == phase && total.isWithin(moment.total) { return }
    moments.removeAll { $0.phase == phase && $0.total.isWithin(total) }
    moments.append(
      Moment(
        phase: phase, place: layer.isEmpty ? name : "\(name), \(layer)", total: total,
        byRole: byRole, terms: isExplained ? terms : []))
  }

  private var terms: [Moment.Term] {
    var sums: [(name: String, role: MemoryRole, size: ScaledBytes)] = []
    for block in blocks where block.holders > 0 && block.size != .zero {
      if let place = sums.firstIndex(where: { $0.name == block.name && $0.role == block.role }) {
        sums[place].size += block.size
      } else {
        sums.append((block.name, block.role, block.size))
      }
    }
    return sums.map { Moment.Term(name: $0.name, role: $0.role, size: $0.size) }
  }
}
