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

  @Test func `records are appended to the header`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try RunWriter.create(path, header: header, replace: false)
    for n in 1...3 { try writer.append(record(n)) }
    #expect(try RunFile.read(path).records.map(\.case.id) == ["w/n=1", "w/n=2", "w/n=3"])
  }

  @Test func `an existing file stays, unless it is to be replaced`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "mine".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: RunWriterFault.exists(path)) {
      try RunWriter.create(path, header: header, replace: false)
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    _ = try RunWriter.create(path, header: header, replace: true)
    #expect(try RunFile.read(path).header.suite.name == "s")
  }

  @Test func `a resumed file loses its torn line, and goes on behind it`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RunWriter.create(path, header: header, replace: false).append(record(1))
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    try (whole + #"{"case":{"#).write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try RunFile.read(path).tornLine)
    try RunWriter.resume(path).append(record(2))
    let run = try RunFile.read(path)
    #expect(!run.tornLine && run.records.map(\.case.id) == ["w/n=1", "w/n=2"])
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix(whole))
  }

  /// /dev/full answers every write as a disk without room does.
  @Test func `a full disk is a fault that says so`() throws {
    #expect {
      try RunWriter.create("/dev/full", header: header, replace: true)
    } throws: { error in
      let fault = (error as? RunWriterFault)?.fault
      return fault?.what.contains("No space left") == true && fault?.place == "/dev/full"
        && fault?.mend?.contains("--resume") == true
    }
  }

  @Test func `a place that cannot be written is named`() {
    let path = "/proc/none/run.jsonl"
    #expect {
      try RunWriter.create(path, header: header, replace: false)
    } throws: { ($0 as? RunWriterFault)?.fault.place == path }
  }
}
