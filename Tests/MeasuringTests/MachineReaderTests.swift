import Measuring
import Quantities
import Records
import Testing

@Suite struct MachineReaderTests {
  private let hypervisor = MachineReader(files: .texts(MachineTexts.hypervisor))
    .read(visibleCores: 2)
  private let intel = MachineReader(files: .texts(MachineTexts.intel)).read(visibleCores: 64)

  @Test func `a virtual machine that blanks its model is told by its stepping`() {
    #expect(hypervisor.cpuModel == "AMD EPYC")
    #expect(hypervisor.cpuStepping == "26.2.1")
    #expect(hypervisor.visibleCores == 2)
    #expect(hypervisor.threadsPerCore == 1)
  }

  @Test func `caches come with level, kind, size and how many cores share them`() {
    #expect(
      hypervisor.caches == [
        .init(level: 1, kind: "data", size: .kibibytes(48), sharedBy: 1),
        .init(level: 1, kind: "instruction", size: .kibibytes(32), sharedBy: 1),
        .init(level: 2, kind: "unified", size: .mebibytes(1), sharedBy: 1),
        .init(level: 3, kind: "unified", size: .mebibytes(32), sharedBy: 2),
      ])
    #expect(
      intel.caches == [.init(level: 3, kind: "unified", size: .mebibytes(60), sharedBy: 32)])
  }

  @Test func `only the instruction sets that kernels care about are kept, sorted`() {
    #expect(
      hypervisor.instructionSets == [
        "avx2", "avx512_bf16", "avx512_vnni", "avx512bw", "avx512dq", "avx512f", "avx512vl",
        "avx_vnni", "f16c", "fma",
      ])
    let few = MachineReader(files: .texts(MachineTexts.intel))
      .read(visibleCores: 1, instructionSets: ["amx_tile", "sve"])
    #expect(few.instructionSets == ["amx_tile"])
  }

  @Test func `threads of one core are counted from the list of its siblings`() {
    #expect(intel.threadsPerCore == 2)
  }

  @Test func `the operating system's pretty name wins, and its name serves without one`() {
    #expect(hypervisor.operatingSystem == "Debian GNU/Linux 12 (bookworm)")
    #expect(intel.operatingSystem == "Fedora")
  }

  @Test func `a kernel's patch level and flavour are dropped`() {
    #expect(hypervisor.kernelMinor == "6.18")
    #expect(intel.kernelMinor == "5.15")
  }

  @Test func `an ARM machine is named by maker and part`() {
    let machine = MachineReader(files: .texts(MachineTexts.arm)).read(visibleCores: 4)
    #expect(machine.cpuModel == "ARM 0x41 part 0xd40")
    #expect(machine.cpuStepping == "8.0x1.1")
    #expect(machine.instructionSets == ["asimd", "asimddp", "asimdhp", "bf16", "i8mm", "sve"])
  }

  @Test func `a machine without any of the files is unknown and has no caches`() {
    let machine = MachineReader(files: .texts([:])).read(visibleCores: 1)
    #expect(machine.cpuModel == "unknown")
    #expect(machine.cpuStepping == "unknown")
    #expect(machine.threadsPerCore == 1)
    #expect(machine.caches.isEmpty)
    #expect(machine.memoryClass == .zero)
    #expect(machine.operatingSystem == "unknown")
    #expect(machine.kernelMinor == "unknown")
    #expect(machine.lastLevelCache > .zero)
  }

  // Classes by hand: the nearest of 2ⁱ and 1.5·2ⁱ GiB.
  @Test(arguments: [
    (23.4, 24.0), (23.6, 24), (24, 24), (15.3, 16), (31.2, 32), (61.8, 64), (0.95, 1), (1.4, 1.5),
    (19.9, 16), (20.1, 24), (47, 48), (755, 768),
  ])
  func `memory belongs to the nearest class`(total: Double, expected: Double) {
    let gibibyte = Double(1 << 30)
    #expect(
      MachineReader.memoryClass(of: Bytes(Int(total * gibibyte)))
        == Bytes(Int(expected * gibibyte)))
  }

  @Test func `the machine that runs this has a model and processors`() {
    let machine = MachineReader().read(visibleCores: 1)
    #expect(machine.kernelMinor != "unknown")
    #expect(machine.memoryClass > .zero)
  }
}
