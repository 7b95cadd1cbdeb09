import Foundation
import Kernels
import Quantities
import Synchronization
import Testing

/// What was live over the time, as it stands in a mapping.
@Suite struct LedgerTimelineTests {
  private func point(
    _ number: Int, _ bytes: Int, _ phase: MemoryPhase = .run, _ event: LedgerPoint.Event = .high
  ) -> LedgerPoint {
    LedgerPoint(
      nanoseconds: number, phase: phase, event: event, live: [.weights: Bytes(bytes)])
  }

  private func withTimeline(_ body: (LedgerTimeline) throws -> Void) rethrows {
    let words = UnsafeMutablePointer<Int>.allocate(capacity: LedgerTimeline.wordCount)
    words.initialize(repeating: 0, count: LedgerTimeline.wordCount)
    defer { words.deallocate() }
    try body(LedgerTimeline(words))
  }

  @Test func `points come back as they were written`() {
    let written = [
      point(0, 1, .operands, .phase), point(5, 7, .forward, .layer(3)),
      point(9, 8, .backward, .refusal), point(10, 9, .update),
    ]
    withTimeline { timeline in
      for point in written { timeline.append(point) }
      #expect(timeline.points == written)
    }
  }

  @Test func `a point that was begun and not ended is none`() {
    withTimeline { timeline in
      timeline.append(point(1, 1))
      timeline.tear(point(2, 2))
      #expect(timeline.points == [point(1, 1)])
      timeline.append(point(3, 3))
      #expect(timeline.points == [point(1, 1), point(3, 3)])
    }
  }

  /// Whatever the number: a table is thinned many times over.
  @Test(arguments: [63, 64, 65, 200, 5000])
  func `however many come, at most 64 stay, and the highest and each phase's begin among them`(
    count: Int
  ) {
    withTimeline { timeline in
      let each = count / MemoryPhase.allCases.count + 1
      let phases = MemoryPhase.allCases.prefix((count - 1) / each + 1)
      for number in 0..<count {
        // Up to the middle and down again, each phase beginning once.
        let height = 1000 + min(number, count - number)
        timeline.append(
          point(number, height, phases[number / each], number % each == 0 ? .phase : .high))
      }
      let points = timeline.points
      #expect(points.count <= LedgerTimeline.capacity)
      #expect(points.map(\.total).max() == 1000 + count / 2)
      #expect(points.filter { $0.event == .phase }.map(\.phase) == Array(phases))
      #expect(points.map(\.nanoseconds) == points.map(\.nanoseconds).sorted())
      #expect(points.last?.nanoseconds == count - 1)
    }
  }

  @Test func `where layers begin is kept before how memory rises`() {
    withTimeline { timeline in
      for number in 0..<64 {
        timeline.append(
          point(number, number * 1000, .forward, number % 4 == 0 ? .layer(number / 4) : .high))
      }
      timeline.append(point(64, 64000))
      let layers = timeline.points.filter { if case .layer = $0.event { true } else { false } }
      #expect(layers.count == 16)
    }
  }

  // MARK: As a ledger writes it

  private static func temporaryPath() -> String {
    FileManager.default.temporaryDirectory
      .appendingPathComponent("timeline-\(UUID().uuidString)").path
  }

  /// A clock that moves a second at each look, so that looks are counted.
  private func ledger(_ path: String) throws -> MemoryLedger {
    let looks = Mutex(0)
    return try MemoryLedger(
      budget: Bytes(1000), path: path,
      clock: {
        looks.withLock { looks in
          looks += 1
          return looks * 1_000_000_000
        }
      })
  }

  @Test func `a new high is a point, and what makes none looks at no clock`() throws {
    let path = Self.temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let ledger = try ledger(path)
    ledger.begin(.operands)
    var first: Allocation? = try ledger.allocate(Bytes(100), role: .weights)
    first = nil
    for _ in 0..<50 { _ = try ledger.allocate(Bytes(100), role: .workspace) }
    ledger.begin(.run)
    ledger.begin(.run)
    let second = try ledger.allocate(Bytes(200), role: .kvCache)
    #expect(throws: LedgerFault.self) { try ledger.allocate(Bytes(900), role: .workspace) }
    let points = try LedgerSnapshot(path: path).timeline
    #expect(points.map(\.event) == [.phase, .high, .phase, .high, .refusal])
    #expect(points.map(\.total) == [0, 100, 0, 200, 200])
    // A look each.
    #expect(points.map(\.nanoseconds) == (0..<5).map { $0 * 1_000_000_000 })
    #expect(points.last?.live == [.kvCache: Bytes(200)])
    withExtendedLifetime((first, second)) {}
  }

  @Test func `a rehearsal and copies for a cold case are no moments`() throws {
    let path = Self.temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let ledger = try ledger(path)
    ledger.begin(.preparation)
    ledger.rehearsing {
      ledger.begin(.backward)
      ledger.begin(layer: 3)
    }
    let copy = try ledger.rotating { try ledger.allocate(Bytes(500), role: .weights) }
    ledger.begin(.backward)
    ledger.begin(layer: 1)
    let points = try LedgerSnapshot(path: path).timeline
    #expect(points.map(\.event) == [.phase, .phase, .layer(1)])
    #expect(points.allSatisfy { $0.live.isEmpty })
    withExtendedLifetime(copy) {}
  }

  @Test func `an account that is not shared has no timeline`() throws {
    let ledger = try MemoryLedger()
    ledger.begin(.run)
    #expect(ledger.snapshot.timeline.isEmpty)
  }

  @Test func `what was live is told in words, with its phase`() throws {
    let ledger = try MemoryLedger(budget: Bytes(1000))
    ledger.begin(.backward)
    let held = try ledger.allocate(Bytes(600), role: .gradients)
    #expect(ledger.snapshot.liveWords == "live in backward: gradients 600 B")
    withExtendedLifetime(held) {}
  }
}
