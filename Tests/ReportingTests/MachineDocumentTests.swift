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
