import Foundation
import OrderedCollections
import Quantities
import Records
import Reporting
import Testing

@Suite struct MachineDocumentTests {
  private let report = MachineReport(
    machine: Fixture.machine, build: Fixture.build, ceilings: Fixture.ceilings,
    conditions: Fixture.conditions(warnings: ["the load is 0.25: something else runs"]),
    noise: MachineNoise(
      probes: 64, compute: .measured(0.021), memory: .unavailable("no probe answered")),
    capabilities: [
      "avx512": .measured("512-bit vectors"),
      "amx": .unavailable("the processor has no AMX tiles, so that 16-bit kernels use vectors"),
    ])

  @Test func `ceilings stand by unit, format and threads`() {
    let lines = TerminalFormat.lines(MachineDocument.make(report))
    #expect(lines.contains("  unit      format    1    8"))
    #expect(lines.contains("  fma-512   fp32    110  800"))
    #expect(lines.contains("  vnni-512  int8    440    –"))
    #expect(lines.contains("  DRAM         8    256 MiB   120  60.0     90.0   100"))
  }

  @Test func `what is unavailable says why`() {
    let text = TerminalFormat.lines(MachineDocument.make(report)).joined(separator: "\n")
    #expect(text.contains("amx           no: the processor has no AMX tiles"))
    #expect(text.contains("governor      unavailable: no cpufreq here"))
    #expect(text.contains("warning       the load is 0.25"))
  }

  @Test func `a group's limit stands beside what the machine has`() {
    var conditions = Fixture.conditions()
    conditions.availableMemory = .measured(.gibibytes(2))
    conditions.memory = MemoryRoom(
      limit: .gibibytes(3), bound: .controlGroup, place: "/sys/fs/cgroup",
      installed: .gibibytes(62), availableOfMachine: .gibibytes(60))
    let lines = TerminalFormat.lines(MachineDocument.make(report(conditions))).joined(
      separator: " ")
    let words = lines.split(separator: " ").joined(separator: " ")
    #expect(words.contains("memory 3.00 GiB, the control group's limit; the machine has 62.0 GiB"))
    #expect(
      words.contains("2.00 GiB, within the control group's limit; the machine has 60.0 GiB"))
  }

  @Test func `a level that was not measured says why`() {
    var ceilings = Fixture.ceilings
    ceilings.unavailable = [.l3: "there is no room for its probe"]
    let text = TerminalFormat.lines(
      MachineDocument.make(report(Fixture.conditions(), ceilings))
    ).joined(separator: "\n")
    #expect(text.contains("L3 was not measured: there is no room for its probe"))
  }

  private func report(
    _ conditions: Conditions, _ ceilings: Ceilings = Fixture.ceilings
  ) -> MachineReport {
    MachineReport(
      machine: Fixture.machine, build: Fixture.build, ceilings: ceilings,
      conditions: conditions, noise: report.noise, capabilities: report.capabilities)
  }

  @Test func `the noise is told as the middle four fifths of the probes`() {
    let text = TerminalFormat.lines(MachineDocument.make(report)).joined(separator: "\n")
    #expect(text.contains("the middle four fifths of 64 probes lie within 2.1 %"))
    #expect(text.contains("memory        unavailable: no probe answered"))
  }

  @Test func `no line is wider than 80 columns`() {
    #expect(TerminalFormat.lines(MachineDocument.make(report)).map(\.count).max() ?? 0 <= 80)
  }

  @Test func `JSON has the ceilings and the reason for what is lacking`() throws {
    let json = try #require(
      try JSONSerialization.jsonObject(with: JSONReport.data(report)) as? [String: Any])
    let capabilities = try #require(json["capabilities"] as? [String: Any])
    #expect(capabilities["amx"] is NSNull)
    #expect(capabilities["avx512"] as? String == "512-bit vectors")
    #expect((json["machine"] as? [String: Any])?["ceilings"] is [String: Any])
  }
}
