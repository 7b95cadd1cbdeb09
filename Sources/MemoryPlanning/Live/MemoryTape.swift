import Quantities

/// Follows memory that is allocated and let go of while a step is gone through, and whoever holds it.
struct MemoryTape {
  private var list: MomentList
  private var blocks: [Entry] = []
  /// Things by name that nobody lets go of one by one.
  private var lumps: [(name: String, block: Block)] = []
  /// All that was allocated and let go of, in order; nil where nobody asks.
  private(set) var journal: [Event]?
  var phase = PlanPhase.load
  /// Said behind what is computed.
  var layer = ""

  var moments: [Moment] { list.moments }
  var total: ScaledBytes { list.total }

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
    list = MomentList(isExplained: isExplained)
    journal = keepsJournal ? [] : nil
  }

  /// Memory with one holder.
  mutating func allocate(_ name: String, _ role: MemoryRole, _ size: ScaledBytes) -> Block {
    list.add(size, role, name: name)
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
      let gone = blocks[block.index]
      list.add(.zero - gone.size, gone.role, name: gone.name)
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

  private mutating func note(_ name: String) {
    if journal != nil { return }
    list.note(phase, layer.isEmpty ? name : "\(name), \(layer)")
  }
}
