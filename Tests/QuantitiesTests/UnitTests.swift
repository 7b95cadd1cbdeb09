import Quantities
import Testing

@Suite struct BytesTests {
  @Test(arguments: [
    ("512", 512), ("64KiB", 65536), ("8 GiB", 8 << 30), ("1.5 GB", 1_500_000_000),
    ("2mib", 2 << 20),
    (" 1 B ", 1), ("0", 0),
  ])
  func `an amount is read with its unit`(text: String, count: Int) {
    #expect(Bytes(text) == Bytes(count))
  }

  @Test(arguments: ["", "GiB", "1 GX", "-1", "1 2", "nan", "1e30 TiB"])
  func `what is no amount is none`(text: String) { #expect(Bytes(text) == nil) }

  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1024, "1.00 KiB"), (1 << 20, "1.00 MiB"), (12_900_000, "12.3 MiB"),
    (1_073_000_000, "0.999 GiB"), (1_047_000_000, "998 MiB"),
  ])
  func `it prints three digits and a binary prefix`(count: Int, text: String) {
    #expect(Bytes(count).description == text)
  }
}

@Suite struct SecondsTests {
  @Test(
    arguments: [
      ("5 s", 5), ("100ms", 0.1), ("20 us", 2e-5), ("20 µs", 2e-5), ("7ns", 7e-9), ("2 min", 120),
      ("3", 3),
    ] as [(String, Double)])
  func `a span is read with its unit`(text: String, value: Double) throws {
    #expect(abs(try #require(Seconds(text)).value - value) <= value * 1e-12)
  }

  @Test(arguments: ["", "s", "5 parsecs", "inf"])
  func `what is no span is none`(text: String) { #expect(Seconds(text) == nil) }

  @Test(
    arguments: [
      (0, "0 s"), (1.234e-9, "1.23 ns"), (9.999e-7, "1.00 µs"), (0.0123, "12.3 ms"), (1, "1.00 s"),
      (119, "119 s"), (120, "2.00 min"),
    ] as [(Double, String)])
  func `it prints three digits and the unit that fits`(value: Double, text: String) {
    #expect(Seconds(value).description == text)
  }
}

@Suite struct NumberTextTests {
  @Test(
    arguments: [
      (0, "0"), (1, "1.00"), (9.994, "9.99"), (9.996, "10.0"), (99.96, "100"), (1234, "1234"),
      (0.001234, "0.00123"), (-2.5, "-2.50"), (.infinity, "inf"), (.nan, "nan"),
    ] as [(Double, String)])
  func `three significant digits`(value: Double, text: String) {
    #expect(significant(value) == text)
  }

  @Test(
    arguments: [
      (1.25, 1, "1.3"), (-0.04, 1, "0.0"), (12, 0, "12"), (0.05, 2, "0.05"), (-1.5, 2, "-1.50"),
    ] as [(Double, Int, String)])
  func `a fixed count of decimals`(value: Double, decimals: Int, text: String) {
    #expect(fixed(value, decimals) == text)
  }

  @Test(
    arguments: [(0, "0"), (3.14e-7, "3.1e-07"), (9.96, "1.0e+01"), (-2e10, "-2.0e+10")]
      as [(Double, String)])
  func `an exponent for errors`(value: Double, text: String) { #expect(scientific(value) == text) }

  @Test(
    arguments: [
      (286e9, Rate.Unit.flops, "286 GFLOP/s"), (43.5e9, .bytes, "43.5 GB/s"),
      (1.2e12, .flops, "1.20 TFLOP/s"), (12, .tokens, "12.0 tok/s"),
    ] as [(Double, Rate.Unit, String)])
  func `a rate prints with a decimal prefix`(rate: Double, unit: Rate.Unit, text: String) {
    #expect(Rate(rate, unit).description == text)
  }
}

@Suite struct MemoryPlanTests {
  /// 5 + 7 live together, then 9: the peak is 12, not 21.
  @Test func `a peak is the maximum over phases, not a sum of what does not live together`() {
    let plan = MemoryPlan([
      .operands: [.weights: Bytes(5), .activations: Bytes(7)], .run: [.workspace: Bytes(9)],
    ])
    #expect(plan.peak == Bytes(12))
    #expect(plan.peakPhase == .operands)
    #expect(plan.byRole == [.weights: Bytes(5), .activations: Bytes(7)])
  }

  @Test func `roles that hold nothing are left out`() {
    #expect(MemoryPlan([.run: [.workspace: .zero]]) == MemoryPlan([.run: [:]]))
  }

  @Test func `intensity is flops per byte moved`() {
    let work = Work(flops: 600, bytesRead: Bytes(100), bytesWritten: Bytes(50), format: .fp32)
    #expect(work.arithmeticIntensity == 4)
  }
}

@Suite struct FaultTests {
  @Test func `a fault prints what, where and how to mend it`() {
    let fault = Fault("k is 100", at: "suites/decode.yaml:9", fix: "round k to 128")
    #expect(
      fault.description == "error: k is 100\n  at:  suites/decode.yaml:9\n  fix: round k to 128")
    #expect(Fault("alone").description == "error: alone")
  }

  @Test(arguments: [
    ("precison", "precision"), ("PRECISION", "precision"), ("thraeds", "threads"), ("bf61", "bf16"),
  ])
  func `a typing error finds its word`(word: String, name: String) {
    #expect(nearestName(to: word, among: ["m", "precision", "threads", "bf16", "fp16"]) == name)
  }

  @Test func `a word that is like none finds none`() {
    #expect(nearestName(to: "temperature", among: ["m", "n", "cache"]) == nil)
  }
}
