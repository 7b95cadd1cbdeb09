import Comparing
import Foundation
import Quantities
import Records
import Running
import Testing

/// A gate's result on the disk, while the gate runs and after.
struct GateResultWriterTests {
  private let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("gate-\(UUID().uuidString).json").path

  private func session(
    _ script: @escaping @Sendable (FakeHost.Asked) -> FakeHost.Said = { $0.gated() }
  ) throws -> GateSession {
    try FakeGate(
      try Plans.plan("nanoseconds: [1, 2], threads: 1", "gate: { turn: 5 ms }"),
      on: FakeHost(script)
    ).session()
  }

  private func stored() throws -> GateResult {
    guard case .result(let result) = try GateReplay.read(path) else {
      throw Fault("there is no result")
    }
    return result
  }

  private func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  private func answer(_ result: GateResult) throws -> String {
    String(decoding: try JSONText.encode(result.answer), as: UTF8.self)
  }

  @Test func `each block is on the disk before the next one begins, and can be judged`()
    async throws
  {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let session = try session()
    let writer = GateResultWriter(path, opening: session.result)
    var entries = 0
    try await session.run { event in
      guard case .added(let entry) = event else { return }
      let before = try? text()
      try writer.append(entry)
      entries += 1
      let lines = try text().split(separator: "\n")
      #expect(lines.count == 1 + entries)
      // It grows, and is not written anew.
      if let before { #expect(try text().hasPrefix(before)) }
      let result = try stored()
      #expect(result.isUnfinished)
      #expect(result.null.count + result.cells.map(\.blocks.count).reduce(0, +) == entries)
    }
    #expect(entries > 16)
  }

  @Test func `what is judged of the lines is what is judged of the document`() async throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let session = try session { asked in
      if asked.key == 2, asked.program == "/head", case .prepare = asked.request {
        return asked.host.happenings(.prepare).count > 20
          ? .silence : .line(Lines.prepared(flops: 2, digest: "other"))
      }
      return asked.gated(head: 1.1)
    }
    let writer = GateResultWriter(path, opening: session.result)
    try await session.run { if case .added(let entry) = $0 { try writer.append(entry) } }
    let lines = try stored()
    #expect(try answer(lines) == answer(session.result))
    #expect(lines.answer.cells.map(\.verdict) == [.regressed, .failed])
    #expect(lines.cells.map { $0.findings.exact?.changes.count } == [0, 1])
    try writer.finish(session.result)
    #expect(try text() == String(decoding: JSONText.encode(session.result), as: UTF8.self))
    let document = try stored()
    #expect(!document.isUnfinished)
    #expect(try answer(document) == answer(lines))
  }

  @Test func `half a line at the end is left out`() async throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let session = try session()
    let writer = GateResultWriter(path, opening: session.result)
    try await session.run { if case .added(let entry) = $0 { try writer.append(entry) } }
    let whole = try stored()
    try text().dropLast(20).write(toFile: path, atomically: true, encoding: .utf8)
    let torn = try stored()
    func count(_ result: GateResult) -> Int {
      result.null.count + result.cells.map(\.blocks.count).reduce(0, +)
    }
    #expect(count(torn) == count(whole) - 1)
  }

  @Test func `what was there stays until there is a block, and an interruption without one`()
    async throws
  {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "old".write(toFile: path, atomically: true, encoding: .utf8)
    let session = try session()
    let writer = GateResultWriter(path, opening: session.result)
    writer.interrupt(session.result)
    #expect(try text() == "old")
    try await session.run { if case .added(let entry) = $0 { try writer.append(entry) } }
    writer.interrupt(session.result)
    #expect(try !stored().isUnfinished)
  }

  /// What will be replaced is of no use to whoever reads a pipe.
  @Test func `a device gets the document alone`() async throws {
    let session = try session()
    let writer = GateResultWriter("/dev/full", opening: session.result)
    try await session.run { if case .added(let entry) = $0 { try writer.append(entry) } }
    let fault = #expect(throws: OutputFault.self) { try writer.finish(session.result) }
    #expect(fault?.fault.mend?.contains("-o") == true)
  }

  @Test func `a place that cannot be written is named`() async throws {
    let session = try session()
    let writer = GateResultWriter("/proc/none/r.json", opening: session.result)
    let fault = await #expect(throws: OutputFault.self) {
      try await session.run { if case .added(let entry) = $0 { try writer.append(entry) } }
    }
    #expect(fault?.fault.place == "/proc/none/r.json")
  }
}
