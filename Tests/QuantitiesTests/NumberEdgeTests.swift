import Foundation
import Quantities
import Testing

@Suite struct NumberEdgeTests {
  /// Python 3: `'%.3g' % x`, written without an exponent. The binary number nearest to 9.995 lies
  /// below it, those nearest to 0.9995 and 99.95 above, and 999.5 is exact and rounds away from 0.
  @Test(
    arguments: [
      (9.99, "9.99"), (9.9951, "10.0"), (0.9995, "1.00"), (0.9994, "0.999"), (99.95, "100"),
      (99.94, "99.9"), (999.5, "1000"), (999.4, "999"), (-999.5, "-1000"), (-0.9995, "-1.00"),
      (0.00123456, "0.00123"), (-.infinity, "-inf"), (-0.0, "0"), (123_456, "123456"),
    ] as [(Double, String)])
  func `three digits at the edges of a power of ten`(value: Double, text: String) {
    #expect(significant(value) == text)
  }

  /// 9.995 is stored as 9.99499…, so both neighbours are fair; four digits are not.
  @Test(arguments: [9.995, 0.09995, 0.009995, -9.995])
  func `a tie that binary cannot hold still has three digits`(value: Double) {
    #expect(significant(value).count(where: { "123456789".contains($0) || $0 == "0" }) >= 3)
    #expect(abs((Double(significant(value)) ?? 0) - value) <= abs(value) * 0.005)
  }

  @Test(
    arguments: [
      (1e15, 0, "1000000000000000"), (0.5, 0, "1"), (-0.5, 0, "-1"), (-0.0001, 2, "0.00"),
      (9.999, 2, "10.00"), (1234.5, 3, "1234.500"), (0, 3, "0.000"), (.infinity, 2, "inf"),
      (-.infinity, 0, "-inf"), (1e300, 1, "1e+300"),
    ] as [(Double, Int, String)])
  func `a fixed count of decimals at the edges`(value: Double, decimals: Int, text: String) {
    #expect(fixed(value, decimals) == text)
  }

  /// Python 3: `'%.1e' % x`.
  @Test(
    arguments: [
      (1, "1.0e+00"), (9.94, "9.9e+00"), (9.96, "1.0e+01"), (0.0996, "1.0e-01"),
      (1e-100, "1.0e-100"),
      (-3e-7, "-3.0e-07"), (.leastNonzeroMagnitude, "4.9e-324"), (1.7e308, "1.7e+308"),
      (.infinity, "inf"),
      (-.infinity, "-inf"), (.nan, "nan"),
    ] as [(Double, String)])
  func `an exponent at the edges`(value: Double, text: String) {
    #expect(scientific(value) == text)
  }
}

@Suite struct RoundTripTests {
  /// Amounts that three digits hold exactly.
  @Test(arguments: [0, 1, 999, 1024, 1536, 65536, 100 << 10, 5 << 20, 1 << 30, 3 << 40, 512 << 40])
  func `an amount of three digits prints as what it is read from`(count: Int) {
    #expect(Bytes(Bytes(count).description) == Bytes(count))
  }

  @Test(arguments: [1e-9, 2.5e-8, 1e-6, 123e-6, 0.0205, 0.999, 1, 59.5, 119, 120, 7200])
  func `a span of three digits prints as what it is read from`(value: Double) throws {
    let read = try #require(Seconds(Seconds(value).description))
    #expect(abs(read.value - value) <= value * 1e-15)
  }

  @Test(arguments: [-1, 0, 1, Int.max])
  func `an amount is a bare number in JSON`(count: Int) throws {
    let data = try JSONEncoder().encode([Bytes(count)])
    #expect(String(decoding: data, as: UTF8.self) == "[\(count)]")
    #expect(try JSONDecoder().decode([Bytes].self, from: data) == [Bytes(count)])
  }

  @Test func `a span is a bare number in JSON`() throws {
    let data = try JSONEncoder().encode([Seconds(0.5)])
    #expect(String(decoding: data, as: UTF8.self) == "[0.5]")
    #expect(try JSONDecoder().decode([Seconds].self, from: data) == [Seconds(0.5)])
  }

  @Test(arguments: ["1.2.3 s", "5 S", "ms", "--1 s", "1,5 s", "5 s s", "٣ s"])
  func `what is no span is refused`(text: String) { #expect(Seconds(text) == nil) }

  @Test(arguments: ["1.2.3", "5 KBit", "1,5 GB", "GiB 5", "0x10", "1e3", "9 EiB", "9e18", "٣"])
  func `what is no amount is refused`(text: String) { #expect(Bytes(text) == nil) }
}

@Suite struct RateEdgeTests {
  @Test(
    arguments: [
      (0, "0 FLOP/s"), (999.4, "999 FLOP/s"), (999.5, "1.00 kFLOP/s"), (999.6e6, "1.00 GFLOP/s"),
      (2.5e15, "2500 TFLOP/s"),
    ] as [(Double, String)])
  func `a rate changes its prefix where it would have four digits`(rate: Double, text: String) {
    #expect(Rate(rate, .flops).description == text)
  }

  @Test func `rates are ordered, and printed in billions for a column`() {
    #expect(Rate(1, .bytes) < Rate(2, .bytes))
    #expect(Rate(43.5e9, .bytes).billions == "43.5")
  }
}

@Suite struct PlanEdgeTests {
  @Test func `the earliest of equal phases is the peak`() {
    let plan = MemoryPlan([
      .run: [.workspace: Bytes(5)], .preparation: [.weights: Bytes(2), .kvCache: Bytes(3)],
    ])
    #expect(plan.peakPhase == .preparation)
    #expect(plan.byRole == [.weights: Bytes(2), .kvCache: Bytes(3)])
    #expect(plan.total(in: .operands) == .zero)
  }

  @Test func `a plan without phases holds nothing`() {
    #expect(MemoryPlan([:]).peak == .zero)
    #expect(MemoryPlan([:]).byRole == [:])
  }

  @Test func `work that moves nothing has a finite intensity`() {
    let work = Work(flops: 7, bytesRead: .zero, bytesWritten: .zero, format: .int8)
    #expect(work.arithmeticIntensity == 7)
  }

  @Test(arguments: [(ElementType.fp32, 12, 32.0), (.fp16, 6, 16), (.bf16, 6, 16)])
  func `elements lie side by side`(type: ElementType, bytes: Int, bits: Double) {
    #expect(type.bytes(of: 3) == Bytes(bytes))
    #expect(type.bitsPerWeight == bits)
  }
}

@Suite struct ReadingCodingTests {
  private func text(_ reading: Reading<Int>) throws -> String {
    String(decoding: try JSONEncoder().encode(reading), as: UTF8.self)
  }

  @Test func `a value and a reason have a key each`() throws {
    #expect(try text(.measured(0)) == #"{"value":0}"#)
    #expect(try text(.unavailable("no counter")) == #"{"unavailable":"no counter"}"#)
  }

  @Test(arguments: [Reading.measured(0), .measured(-3), .unavailable(""), .unavailable("why")])
  func `a reading is read as it was written`(reading: Reading<Int>) throws {
    let data = try JSONEncoder().encode(reading)
    #expect(try JSONDecoder().decode(Reading<Int>.self, from: data) == reading)
  }

  @Test func `neither a value nor a reason is refused`() {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Reading<Int>.self, from: Data("{}".utf8))
    }
  }

  @Test func `a map changes the value and keeps the reason`() {
    #expect(Reading.measured(3).map { $0 * 2 } == .measured(6))
    #expect(Reading<Int>.unavailable("why").map { "\($0)" } == .unavailable("why"))
    #expect(Reading.measured(3).value == 3)
    #expect(Reading.measured(3).reason == nil)
    #expect(Reading<Int>.unavailable("why").reason == "why")
  }
}

@Suite struct NearestNameEdgeTests {
  @Test(arguments: [
    // A swap of neighbours is one change, so "warm" wins over "ward", which is two away.
    ("wamr", ["ward", "warm"], "warm"),
    // Of equally near ones the first.
    ("bat", ["cat", "hat"], "cat"),
    ("ab", ["abcd"], "abcd"),
  ])
  func `the nearest name is found`(word: String, names: [String], nearest: String) {
    #expect(nearestName(to: word, among: names) == nearest)
  }

  @Test(arguments: [("ab", ["abcde"]), ("", ["m"]), ("m", []), ("x", ["m", "n"])])
  func `no name is near`(word: String, names: [String]) {
    #expect(nearestName(to: word, among: names) == nil)
  }

  @Test func `a fault leaves out what it does not know`() {
    #expect(Fault("what", at: "here").description == "error: what\n  at:  here")
    #expect(Fault("what", fix: "so").description == "error: what\n  fix: so")
    #expect(Fault("what").fault == Fault("what"))
  }
}
