import Measuring
import Quantities
import Records
import Testing

/// How large the buffers are that bandwidth is measured on.
@Suite struct ProbeSizesTests {
  private func machine(memory: Bytes = .gibibytes(24), cache: Bytes = .mebibytes(32)) -> Machine {
    Machine(
      cpuModel: "", cpuStepping: "", visibleCores: 2, threadsPerCore: 1,
      caches: [
        .init(level: 1, kind: "data", size: .kibibytes(48), sharedBy: 1),
        .init(level: 2, kind: "unified", size: .mebibytes(1), sharedBy: 1),
        .init(level: 3, kind: "unified", size: cache, sharedBy: 2),
      ], memoryClass: memory, operatingSystem: "", kernelMinor: "", instructionSets: [])
  }

  private func room(_ limit: Bytes, available: Bytes? = nil, needed: Bytes = .zero) -> ProbeRoom {
    ProbeRoom(
      room: MemoryRoom(
        limit: limit, bound: .controlGroup, place: "/g", installed: .gibibytes(24)),
      available: available ?? limit, needed: needed)
  }

  /// An eighth of the class each, of machines that tell a sixth less than their class at the least.
  @Test(arguments: [(Bytes.gibibytes(8), 1), (.gibibytes(24), 1), (.gibibytes(4), 2)])
  func `a machine that has its class's memory has the buffers that it always had`(
    memory: Bytes, divisor: Int
  ) {
    let least = Bytes(memory.count / 6 * 5)
    let sizes = ProbeSizes(
      machine: machine(memory: memory), threads: 2, room: room(least, available: least))
    #expect(sizes.length == 1 << 30 / divisor)
    #expect(sizes.footprints[.dram] == 128 << 20)
    #expect(sizes.unavailable.isEmpty)
  }

  @Test func `without a bound the buffers are what the caches and threads ask for`() {
    let sizes = ProbeSizes(
      machine: machine(), threads: 16,
      room: ProbeRoom(room: nil, available: nil, needed: .zero))
    #expect(sizes.length == 16 * 128 << 20)
  }

  /// A third of the limit for both, where each is four times the cache at the least: 1 GiB ÷ 6.
  @Test func `in a small group both buffers take a third of the limit`() {
    let sizes = ProbeSizes(machine: machine(), threads: 2, room: room(.gibibytes(1)))
    let sixth = (1 << 30) / 6 / 4096 * 4096
    #expect(sizes.length == sixth)
    #expect(sizes.footprints[.dram] == sixth / 2 / 4096 * 4096)
  }

  /// 512 MiB ÷ 6 is less than 4 × 32 MiB; half of it holds both buffers just so.
  @Test func `in a smaller one they are four times the cache, and half of the limit at the most`() {
    let sizes = ProbeSizes(machine: machine(), threads: 2, room: room(.mebibytes(512)))
    #expect(sizes.length == 128 << 20)
    #expect(sizes.footprints[.dram] == 64 << 20)
    #expect(sizes.unavailable.isEmpty)
  }

  @Test func `where not even that is there DRAM is unavailable, and caches are measured`() {
    let sizes = ProbeSizes(machine: machine(), threads: 2, room: room(.mebibytes(256)))
    #expect(sizes.footprints[.dram] == nil)
    // Three eighths of the shared cache, by both threads together.
    #expect(sizes.length == 12 << 20)
    #expect(sizes.footprints[.l3] == 6 << 20)
    #expect(
      sizes.unavailable[.dram]
        == "reading past a cache of 32.0 MiB takes two buffers of 128 MiB, and the probes may take "
        + "128 MiB (the control group's limit)")
  }

  @Test func `a cache that there is no room for is unavailable, too`() {
    let sizes = ProbeSizes(machine: machine(), threads: 2, room: room(.mebibytes(32)))
    #expect(sizes.footprints[.l3] == nil)
    #expect(sizes.unavailable[.l3]?.contains("two buffers of 12.0 MiB") == true)
    #expect(sizes.footprints[.l2] == 512 << 10)
  }

  @Test func `what is left now bounds them like a limit`() {
    let sizes = ProbeSizes(
      machine: machine(), threads: 2, room: room(.gibibytes(23), available: .gibibytes(1)))
    #expect(sizes.length == 256 << 20)
  }

  @Test(arguments: 1...64) func `both buffers lie within half of any limit`(mebibytes: Int) {
    let limit = Bytes.mebibytes(32 * mebibytes)
    let sizes = ProbeSizes(machine: machine(), threads: 2, room: room(limit))
    #expect(2 * sizes.length <= limit.count / 2)
    for (level, footprint) in sizes.footprints {
      #expect(2 * footprint <= sizes.length, "\(level)")
      #expect(footprint % 4096 == 0, "\(level)")
    }
  }

  @Test(arguments: [(Bytes.mebibytes(100), false), (.mebibytes(900), true)])
  func `a buffer must go before a case that would lack it`(needed: Bytes, isShort: Bool) {
    #expect(
      room(.gibibytes(1), needed: needed).isShort(beside: .mebibytes(170)) == isShort)
  }
}
