import Measuring
import Quantities
import Records
import Testing

@Suite struct MachineDifferencesTests {
  private let machine = MachineReader(files: .texts(MachineTexts.hypervisor))
    .read(visibleCores: 2)

  @Test func `a machine does not differ from itself`() {
    #expect(machine.differences(from: machine).isEmpty)
  }

  @Test(arguments: [
    (Field({ $0.cpuModel = "Intel" }), "processor AMD EPYC, not Intel"),
    (Field({ $0.cpuStepping = "6.1.2" }), "family.model.stepping 26.2.1, not 6.1.2"),
    (Field({ $0.kernelMinor = "6.1" }), "kernel 6.18, not 6.1"),
    (Field({ $0.visibleCores = 4 }), "cores 2, not 4"),
    (Field({ $0.threadsPerCore = 2 }), "threads per core 1, not 2"),
    (Field({ $0.memoryClass = .gibibytes(32) }), "memory 24.0 GiB, not 32.0 GiB"),
    (
      Field({ $0.operatingSystem = "Fedora" }),
      "operating system Debian GNU/Linux 12 (bookworm), not Fedora"
    ),
  ])
  func `a field that differs is named with both values`(field: Field, words: String) {
    var other = machine
    field.change(&other)
    #expect(machine.differences(from: other) == [words])
  }

  @Test func `every field that differs is named`() {
    var other = machine
    other.visibleCores = 4
    other.kernelMinor = "6.1"
    #expect(machine.differences(from: other) == ["cores 2, not 4", "kernel 6.18, not 6.1"])
  }

  /// A change to one field.
  struct Field: Sendable {
    let change: @Sendable (inout Machine) -> Void
    init(_ change: @escaping @Sendable (inout Machine) -> Void) { self.change = change }
  }

  @Test func `caches that one machine hides are unknown`() {
    var other = machine
    other.caches = []
    let words = machine.differences(from: other)
    #expect(words.count == 1)
    #expect(words.first?.hasSuffix("not unknown") == true)
    #expect(words.first?.contains("L1 data") == true)
  }

  @Test func `instruction sets are named by what is missing and what is more`() {
    var other = machine
    other.instructionSets = machine.instructionSets.filter { $0 != "avx2" } + ["sve"]
    #expect(
      machine.differences(from: other) == [
        "instruction sets without sve", "instruction sets with avx2 besides",
      ])
  }
}
