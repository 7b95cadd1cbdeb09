import Comparing
import Foundation
import GRDB
import Quantities
import Records
import Testing

@Suite struct HistoryTests {
  /// A gate's result in which head takes so many seconds and so many times as long as base.
  private func result(_ seconds: Double, ratio: Double = 1, seed: Int) -> Data {
    GateSpecimen(
      commit: "c\(seed)", seed: seed,
      cells: [
        GateSpecimen.Cell(
          name: "w/a=1", base: seconds / ratio, head: seconds, blocks: 9, median: ratio - 1)
      ]
    ).data
  }

  private func entry(_ seconds: Double, ratio: Double = 1, seed: Int, anchor: String? = nil) throws
    -> HistoryEntry
  {
    try HistoryEntry(
      InputFile(result(seconds, ratio: ratio, seed: seed), from: "r", as: "result"), anchor: anchor)
  }

  private func path() -> String { NSTemporaryDirectory() + "history-\(UUID().uuidString).sqlite" }

  private func remove(_ path: String) {
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: path + suffix)
    }
  }

  @Test func `what is added is found again, and nothing is added twice`() throws {
    let path = path()
    defer { remove(path) }
    let history = try History(path, mayMake: true)
    #expect(try history.add(entry(0.5, seed: 1), at: "2026-01-01") == .added(cases: 1))
    #expect(try history.add(entry(0.5, seed: 1), at: "2026-01-02") == .known)
    #expect(try history.add(entry(0.25, ratio: 1.5, seed: 2), at: "2026-01-03") == .added(cases: 1))
    let series = try History(path, mayMake: false).series(matching: "w/*")
    #expect(series.map(\.name) == ["w/a=1"])
    #expect(series.first?.points.map(\.median) == [0.5, 0.25])
    #expect(series.first?.points.map(\.commit) == ["c1", "c2"])
    #expect(series.first?.points.map(\.added) == ["2026-01-01", "2026-01-03"])
    #expect(series.first?.points.last?.ratio?.median == 1.5)
    #expect(try history.series(matching: "x*").isEmpty)
  }

  @Test func `a result that is there already may become an anchor's`() throws {
    let path = path()
    defer { remove(path) }
    let history = try History(path, mayMake: true)
    _ = try history.add(entry(1, seed: 1), at: "2026-01-01")
    #expect(try history.add(entry(1, seed: 1, anchor: "v1"), at: "2026-01-02") == .anchored)
    #expect(try history.add(entry(1, seed: 1, anchor: "v1"), at: "2026-01-02") == .known)
    #expect(try history.add(entry(1, seed: 1), at: "2026-01-02") == .known)
    #expect(try history.series(matching: "*").first?.points.map(\.anchor) == ["v1"])
  }

  @Test func `eight writers at once lose nothing`() async throws {
    let path = path()
    defer { remove(path) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          let history = try History(path, mayMake: true)
          for index in 0..<10 {
            _ = try history.add(entry(1, seed: 100 * writer + index), at: "now")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try History(path, mayMake: false).series(matching: "*").first?.points.count == 80)
  }

  @Test func `a file that is not ours, newer or damaged is refused and left alone`() throws {
    let path = path()
    defer { remove(path) }
    do {
      let history = try History(path, mayMake: true)
      for seed in 0..<200 { _ = try history.add(entry(1, seed: seed), at: "now") }
    }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    func refused(_ change: () throws -> Void) throws -> String {
      try whole.write(to: URL(fileURLWithPath: path))
      try change()
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      var words = "it was opened"
      do { _ = try History(path, mayMake: true) } catch let fault as HistoryFault {
        words = fault.fault.what
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
      return words
    }
    func execute(_ sql: String) throws {
      try DatabaseQueue(path: path).writeWithoutTransaction { try $0.execute(sql: sql) }
    }
    #expect(
      try refused {
        try execute("PRAGMA journal_mode = DELETE; PRAGMA user_version = 2")
      }.contains("version 2, and this program knows 1"))
    #expect(
      try refused {
        try execute("PRAGMA journal_mode = DELETE; PRAGMA application_id = 7")
      }.contains("no history of headroom's"))
    #expect(
      try refused {
        try Data("{\"a\": 1}".utf8).write(to: URL(fileURLWithPath: path))
      }.contains("no history of headroom's"))
    #expect(
      try refused {
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
      }.contains("is damaged"))
    #expect(
      try refused {
        var torn = whole
        for index in stride(from: 8192, to: torn.count, by: 7) { torn[index] = 0xAA }
        try torn.write(to: URL(fileURLWithPath: path))
      }.contains("is damaged"))
  }

  @Test func `there is nothing to show where there is no file`() {
    #expect(throws: HistoryFault.missing("/nowhere/h.sqlite")) {
      try History("/nowhere/h.sqlite", mayMake: false)
    }
  }

  @Test func `only a gate's base can be an anchor`() throws {
    #expect(try entry(1, seed: 1, anchor: "v1") as HistoryEntry? != nil)
    #expect(throws: (any Error).self) {
      try HistoryEntry(InputFile(Data("{}".utf8), from: "r", as: "result"), anchor: "v1")
    }
  }

  private func series(_ seconds: [Double], ratios: [Double] = []) throws -> [HistorySeries] {
    let path = path()
    defer { remove(path) }
    let history = try History(path, mayMake: true)
    for (index, time) in seconds.enumerated() {
      let ratio = index < ratios.count ? ratios[index] : 1
      _ = try history.add(
        entry(time, ratio: ratio, seed: index, anchor: ratios.isEmpty ? nil : "v1.0"), at: "now")
    }
    return try history.series(matching: "*")
  }

  @Test func `a level that rose is found where it did, and not when faster is asked`() throws {
    let times = (0..<24).map { index -> Double in
      let level = index < 13 ? 1.0 : 1.1
      return level * (1 + 0.002 * Double(index * 7 % 5))
    }
    let series = try series(times)
    let slower = HistoryChanges(in: series, direction: .slower)
    #expect(slower.changes.map(\.at.commit) == ["c13"])
    #expect(abs((slower.changes.first?.change ?? 0) - 0.1) < 0.005)
    #expect(HistoryChanges(in: series, direction: .faster).changes.isEmpty)
  }

  @Test func `nine results are too few to search`() throws {
    let changes = HistoryChanges(
      in: try series([1, 1, 1, 1, 1, 2, 2, 2, 2]), direction: .slower)
    #expect(changes.searched == 0)
    #expect(changes.tooShort == 1)
  }

  @Test func `small steps since a pinned build add up to a warning`() throws {
    let crept = try series([1, 1, 1], ratios: [1.02, 1.04, 1.06])
    #expect(HistoryChanges(in: crept, direction: .slower).creeps.map(\.ratio.median) == [1.06])
    #expect(HistoryChanges(in: crept, direction: .slower).creeps.map(\.anchor) == ["v1.0"])
    let held = try series([1, 1, 1], ratios: [1.06, 1.04, 1.02])
    #expect(HistoryChanges(in: held, direction: .slower).creeps.isEmpty)
  }
}
