import CLinux
package import Quantities

/// What was live at one moment of a case's life, and why that moment is told.
package struct LedgerPoint: Hashable, Sendable {
  /// Since the first point.
  package let nanoseconds: Int
  package let phase: MemoryPhase
  package let event: Event
  /// The harness's copies apart.
  package let live: [MemoryRole: Bytes]

  package enum Event: Hashable, Sendable {
    /// More is live than ever before.
    case high
    /// The phase begins, for the first time.
    case phase
    /// A layer of a model begins, within its phase.
    case layer(Int)
    /// An allocation was refused.
    case refusal
  }

  package init(
    nanoseconds: Int, phase: MemoryPhase, event: Event, live: [MemoryRole: Bytes]
  ) {
    self.nanoseconds = nanoseconds
    self.phase = phase
    self.event = event
    self.live = live
  }
}

/// A few points of a case's life as words of a mapping, so that they outlive a process that is killed.
///
/// There are two tables. A point is written behind the last one, and counted after that; a full table is thinned
/// into the other one, which is then named in the same word that counts: whenever the writer is killed, that
/// word is of whole points alone.
package struct LedgerTimeline {
  /// The most points that a table holds.
  package static let capacity = 64
  private static let roles = MemoryRole.allCases.filter { $0 != .rotation }
  private static let stride = 3 + roles.count
  /// The words that it takes: the count, and two tables.
  package static let wordCount = 1 + 2 * capacity * stride

  private let words: UnsafeMutablePointer<Int>

  /// - Parameter words: as many as `wordCount`, all 0 before the first point.
  package init(_ words: UnsafeMutablePointer<Int>) { self.words = words }

  /// Writes one point; one that comes to a full table makes room for itself.
  package func append(_ point: LedgerPoint) {
    if count == Self.capacity { thin() }
    write(point, to: place(bank, count))
    publish(bank: bank, count: count + 1)
  }

  package var isEmpty: Bool { count == 0 }

  /// The points in their order; none of a mapping that holds something else.
  package var points: [LedgerPoint] {
    guard (0...Self.capacity).contains(count), (0...1).contains(bank) else { return [] }
    return (0..<count).compactMap { read(place(bank, $0)) }
  }

  /// Begins a point and does not count it: what is there when a writer is killed half-way.
  package func tear(_ point: LedgerPoint) { write(point, to: place(bank, count % Self.capacity)) }
}

extension LedgerTimeline {
  private var count: Int { words[0] & 0xFFFF }
  private var bank: Int { words[0] >> 16 & 0xFFFF }

  private func place(_ bank: Int, _ index: Int) -> Int {
    1 + (bank * Self.capacity + index) * Self.stride
  }

  /// In one store, which comes after all that it counts.
  private func publish(bank: Int, count: Int) {
    words.withMemoryRebound(to: UInt32.self, capacity: 2) { halves in
      hr_store_release(halves, UInt32(bank << 16 | count))
    }
  }

  /// A phase begins for the first time once: there are fewer such points than half a table holds.
  private func thin() {
    let old = points
    let highest = old.indices.max { (old[$0].total, $1) < (old[$1].total, $0) }
    let kept = thinned(
      old.count, to: Self.capacity / 2,
      mustStay: { $0 == highest || $0 == 0 || old[$0].event == .phase },
      // A curve is told by how it rises and falls; where layers begin is told first.
      told: { abs(old[$1].total - old[$0].total) + (old[$1].event == .high ? 0 : 1 << 50) })
    let next = 1 - bank
    for (index, one) in kept.enumerated() { write(old[one], to: place(next, index)) }
    publish(bank: next, count: kept.count)
  }

  private func write(_ point: LedgerPoint, to place: Int) {
    words[place] = point.nanoseconds
    words[place + 1] = MemoryPhase.allCases.firstIndex(of: point.phase) ?? 0
    words[place + 2] =
      switch point.event {
      case .high: 0
      case .phase: 1
      case .refusal: 2
      case .layer(let layer): 3 + layer
      }
    for (offset, role) in Self.roles.enumerated() {
      words[place + 3 + offset] = point.live[role]?.count ?? 0
    }
  }

  private func read(_ place: Int) -> LedgerPoint? {
    let phase = words[place + 1]
    guard MemoryPhase.allCases.indices.contains(phase) else { return nil }
    let event: LedgerPoint.Event =
      switch words[place + 2] {
      case 0: .high
      case 1: .phase
      case 2: .refusal
      case let layer: .layer(layer - 3)
      }
    var live: [MemoryRole: Bytes] = [:]
    for (offset, role) in Self.roles.enumerated() where words[place + 3 + offset] > 0 {
      live[role] = Bytes(words[place + 3 + offset])
    }
    return LedgerPoint(
      nanoseconds: words[place], phase: MemoryPhase.allCases[phase], event: event, live: live)
  }
}

extension LedgerPoint {
  package var total: Int { live.values.reduce(0) { $0 + $1.count } }
}
