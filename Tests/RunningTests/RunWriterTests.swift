import Foundation
import OrderedCollections
import Quantities
import Records
import Running
import Testing

@Suite struct RunWriterTests {
  private let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("run-\(UUID().uuidString).jsonl").path
  private let header = RunHeader(
    suite: .init(name: "s", about: nil, text: "", overrides: []),
    machine: Machine(
      cpuModel: "", cpuStepping: "", visibleCores: 1, threadsPerCore: 1, caches: [],
      memoryClass: .gibibytes(1), operatingSystem: "", kernelMinor: "", instructionSets: []),
    build: Build(
      version: "0", commit: .unavailable("no checkout"), dirty: nil, toolchain: "", flags: "",
      allocator: ""),
    conditions: Conditions(
      load: .measured(0), governor: .unavailable("none"), clockMegahertz: .measured(1),
      throttles: .measured(0), steal: .measured(0), hugePages: .measured("always"),
      availableMemory: .measured(.gibibytes(1)), warnings: []),
    ceilings: Ceilings(compute: [], bandwidth: [], clockCost: Seconds(1e-8)), seed: 1,
    planned: [], processesPerCase: 1, shard: nil, notes: [:], environment: [:])

  private func record(_ n: Int) -> Record {
    Record(case: Case(workload: "w", axes: ["n": .number(n)]), run: 0, outcome: .ok)
  }

  private func begun() throws -> RunWriter {
    let writer = try RunWriter(path, .new)
    try writer.begin(header)
    return writer
  }

  @Test func `records are appended to the header`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try begun()
    for n in 1...3 { try writer.append(record(n)) }
    #expect(try RunFile.read(path).records.map(\.case.id) == ["w/n=1", "w/n=2", "w/n=3"])
  }

  @Test func `an existing file stays, unless it is to be replaced`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "mine".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: RunWriterFault.exists(path)) { try RunWriter(path, .new) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    let writer = try RunWriter(path, .replace)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    try writer.begin(header)
    #expect(try RunFile.read(path).header.suite.name == "s")
  }

  @Test func `a second writer is refused while the first is there`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try begun()
    for opening in [RunWriter.Opening.replace, .resume] {
      #expect(throws: RunWriterFault.busy(path)) { try RunWriter(path, opening) }
    }
    try writer.append(record(1))
    #expect(try RunFile.read(path).records.count == 1)
  }

  @Test func `a file that was made for a run without a header goes with its writer`() throws {
    do { _ = try RunWriter(path, .new) }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `a resumed file loses its torn line, and goes on behind it`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do { try begun().append(record(1)) }
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    try (whole + #"{"case":{"#).write(toFile: path, atomically: true, encoding: .utf8)
    let torn = try RunFile.read(path)
    #expect(torn.tornLine)
    do {
      let writer = try RunWriter(path, .resume)
      try writer.resume(torn)
      try writer.append(record(2))
    }
    let run = try RunFile.read(path)
    #expect(!run.tornLine && run.records.map(\.case.id) == ["w/n=1", "w/n=2"])
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix(whole))
  }

  @Test func `a whole last record without its line break is kept`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try begun()
      for n in 1...2 { try writer.append(record(n)) }
    }
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    try String(whole.dropLast()).write(toFile: path, atomically: true, encoding: .utf8)
    do {
      let writer = try RunWriter(path, .resume)
      try writer.resume(try RunFile.read(path))
      try writer.append(record(3))
    }
    #expect(try RunFile.read(path).records.map(\.case.id) == ["w/n=1", "w/n=2", "w/n=3"])
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix(whole))
  }

  /// /dev/full is a device: records could not be read back, or gone on with.
  @Test(arguments: ["-", "/dev/full", "/tmp"])
  func `what is no file is refused in words`(path: String) {
    #expect {
      try RunWriter(path, .replace)
    } throws: { ($0 as? RunWriterFault)?.fault.mend?.contains("-o") == true }
  }

  @Test func `a place that cannot be written is named`() {
    let path = "/proc/none/run.jsonl"
    #expect {
      try RunWriter(path, .new)
    } throws: { ($0 as? RunWriterFault)?.fault.place == path }
  }

  /// One letter, blanks, and names that only look like options.
  @Test(arguments: ["x", " ", "..x", "ü"])
  func `a name of any letters is a file`(name: String) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let writer = try RunWriter("\(folder)/\(name)", .new)
    try writer.begin(header)
    #expect(try RunFile.read("\(folder)/\(name)").records.isEmpty)
  }
}
