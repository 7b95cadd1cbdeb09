import Quantities
import Records
import Running
import Testing

@Suite struct CeilingChoiceTests {
  private let machine = Machine(
    cpuModel: "", cpuStepping: "", visibleCores: 2, threadsPerCore: 1,
    caches: [
      .init(level: 1, kind: "instruction", size: .mebibytes(64), sharedBy: 1),
      .init(level: 1, kind: "data", size: .kibibytes(48), sharedBy: 1),
      .init(level: 2, kind: "unified", size: .mebibytes(1), sharedBy: 1),
      .init(level: 3, kind: "unified", size: .mebibytes(32), sharedBy: 2),
    ], memoryClass: .gibibytes(16), operatingSystem: "", kernelMinor: "", instructionSets: [])

  private let ceilings = Ceilings(
    compute: [1, 2].flatMap { threads in
      [
        .init(unit: "narrow", format: .fp32, threads: threads, flopsPerSecond: 1e9),
        .init(unit: "wide", format: .fp32, threads: threads, flopsPerSecond: 4e9),
      ]
    },
    bandwidth: MemoryLevel.allCases.flatMap { level in
      [1, 2].map {
        .init(
          level: level, threads: $0, footprint: Bytes(1), read: 1e9, fill: 1e9,
          fillNonTemporal: 2e9, copy: 1e9)
      }
    }, clockCost: Seconds(2e-8))

  private func choice(
    _ bytes: Bytes, threads: Int = 1, cache: CacheState = .warm, flops: Int = 1
  ) -> CeilingChoice? {
    CeilingChoice(
      work: Work(flops: flops, bytesRead: bytes, bytesWritten: .zero, format: .fp32),
      threads: threads, cache: cache, machine: machine, ceilings: ceilings)
  }

  /// L1 and L2 are each core's own, so that two threads hold twice as much in them.
  @Test(arguments: [
    (Bytes.kibibytes(48), 1, MemoryLevel.l1), (.kibibytes(49), 1, .l2), (.kibibytes(96), 2, .l1),
    (.mebibytes(1), 1, .l2), (.mebibytes(2), 1, .l3), (.mebibytes(2), 2, .l2),
    (.mebibytes(32), 2, .l3), (.mebibytes(33), 2, .dram),
  ])
  func `the level is the smallest that holds what a call touches`(
    bytes: Bytes, threads: Int, level: MemoryLevel
  ) {
    #expect(choice(bytes, threads: threads)?.use.value?.level == level)
  }

  @Test func `a cold case reads DRAM, however small`() {
    #expect(choice(Bytes(64), cache: .cold)?.use.value?.level == .dram)
  }

  @Test func `the fastest unit and the faster way to fill count`() {
    let use = choice(Bytes(64))?.use.value
    #expect(use?.unit == "wide" && use?.flopsPerSecond == 4e9 && use?.fillPerSecond == 2e9)
  }

  /// 1000 bytes take 1 µs; 4000 flops as long, 8000 twice as long, 8004 longer.
  @Test(arguments: [(4000, true), (8000, true), (8004, false)])
  func `memory can bind while it takes half as long as arithmetic`(flops: Int, can: Bool) {
    #expect(choice(Bytes(1000), flops: flops)?.memoryCanBind == can)
  }

  @Test func `a number of threads that was not measured has no ceiling`() {
    #expect(choice(Bytes(64), threads: 3) == nil)
  }

  @Test func `a format that no unit computes has no ceiling`() {
    let work = Work(flops: 1, bytesRead: Bytes(64), bytesWritten: .zero, format: .bf16)
    #expect(
      CeilingChoice(work: work, threads: 1, cache: .warm, machine: machine, ceilings: ceilings)
        == nil)
  }

  @Test func `a level that was not measured is held against DRAM`() {
    var ceilings = ceilings
    ceilings.bandwidth.removeAll { $0.level == .l1 }
    let work = Work(flops: 1, bytesRead: Bytes(64), bytesWritten: .zero, format: .fp32)
    let choice = CeilingChoice(
      work: work, threads: 1, cache: .warm, machine: machine, ceilings: ceilings)
    #expect(choice?.use.value?.level == .dram)
  }

  @Test func `a level that there was no room to measure has no ceiling, and the reason`() {
    var ceilings = ceilings
    ceilings.bandwidth.removeAll { $0.level == .dram }
    ceilings.unavailable = [.dram: "there is no room"]
    let work = Work(flops: 1, bytesRead: .gibibytes(1), bytesWritten: .zero, format: .fp32)
    let choice = CeilingChoice(
      work: work, threads: 1, cache: .warm, machine: machine, ceilings: ceilings)
    #expect(
      choice?.use
        == .unavailable(
          "the bandwidth of DRAM was not measured: there is no room"))
    #expect(choice?.memoryCanBind == false)
  }

  /// 1000 bytes take 0.5 µs to write past the caches: 4000 flops take twice as long, 4004 longer.
  @Test(arguments: [(4000, true), (4004, false)])
  func `what is written is held against filling`(flops: Int, can: Bool) {
    let work = Work(
      flops: flops, bytesRead: .zero, bytesWritten: Bytes(1000), format: .fp32)
    let choice = CeilingChoice(
      work: work, threads: 1, cache: .warm, machine: machine, ceilings: ceilings)
    #expect(choice?.memoryCanBind == can)
  }
}
