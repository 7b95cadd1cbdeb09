import Kernels
import Workloads
import Quantities
import Testing

@Suite struct OutputSampleTests {
  @Test func `a small output is compared whole`() {
    let sample = OutputSample(rows: 3, columns: 5, flopsPerResult: 10, seed: 1)
    #expect(sample.rows == [0, 1, 2] && sample.columns == [0, 1, 2, 3, 4])
    #expect(sample.label == "all 15")
  }

  @Test(arguments: [(4096, 4096, 8192), (1, 500_000, 100_000), (100_000, 1, 100_000)])
  func `a large one by a grid with its edges, within the budget`(
    rows: Int, columns: Int, flops: Int
  ) {
    let sample = OutputSample(rows: rows, columns: columns, flopsPerResult: flops, seed: 1)
    #expect(sample.count * flops <= 1 << 27)
    #expect(sample.rows.last == rows - 1 && sample.columns.last == columns - 1)
    #expect(sample.columns.first == 0)
    #expect(Set(sample.rows).count == sample.rows.count && sample.rows == sample.rows.sorted())
    #expect(
      sample.label == "\(sample.rows.count) of \(rows) rows × "
        + "\(sample.columns.count) of \(columns) columns")
    #expect(sample == OutputSample(rows: rows, columns: columns, flopsPerResult: flops, seed: 1))
    #expect(sample != OutputSample(rows: rows, columns: columns, flopsPerResult: flops, seed: 2))
  }
}

@Suite struct ToleranceTests {
  /// 10 roundings: 10 < 8·√10 = 25.3. 10,000: 8·100 = 800 < 10,000. Each times 2⁻²⁴.
  @Test(arguments: [(10, 10.0), (10_000, 800)])
  func `the smaller of the worst and the likely bound holds`(roundings: Int, units: Double) {
    #expect(Tolerance.sum(roundings: roundings).relative == units * 0x1p-24)
  }

  /// fp32 rounds products too, where they are not fused; 16-bit products are exact in fp32.
  @Test(arguments: [(FloatFormat.fp32, 32.0), (.fp16, 16), (.bf16, 16)])
  func `it follows from k and precision`(precision: FloatFormat, units: Double) {
    let problem = MatmulWorkload.Problem(m: 1, n: 1, k: 16, precision: precision)
    #expect(MatmulWorkload.tolerance(of: problem).relative == units * 0x1p-24)
  }
}

/// Names of those that this machine has.
private let presentVariants = MatmulWorkload.variants.filter {
  $0.kind != .competitor && $0.unavailable == nil
}.map(\.name)

@Suite struct SpecialValueTests {
  /// Runs one variant on operands that `fill` changes, and answers c.
  private func product(
    _ problem: MatmulWorkload.Problem, _ variant: Variant<MatmulWorkload>,
    fill: (MatmulWorkload.Operands) -> Void
  ) throws -> [Double] {
    let ledger = try MemoryLedger()
    let operands = try MatmulWorkload.operands(for: problem, seed: 1, in: ledger)
    fill(operands)
    let pool = try ThreadPool(threads: 1)
    try variant.prepare(problem, operands, Execution(ledger: ledger, pool: pool)).run()
    return operands.c.doubles(0..<operands.c.count)
  }

  @Test(arguments: presentVariants, [1, 20])
  func `an infinite weight spoils its own column alone`(name: String, m: Int) throws {
    let variant = try #require(MatmulWorkload.variants.first { $0.name == name })
    let problem = MatmulWorkload.Problem(m: m, n: 40, k: 30, precision: .fp32)
    let c = try product(problem, variant) { $0.b.pointer(to: Float.self)[33 * 30 + 4] = .infinity }
    for index in 0..<c.count { #expect(c[index].isFinite == (index % 40 != 33)) }
  }

  @Test(arguments: presentVariants, [1, 20])
  func `zeros give zeros`(name: String, m: Int) throws {
    let variant = try #require(MatmulWorkload.variants.first { $0.name == name })
    let problem = MatmulWorkload.Problem(m: m, n: 40, k: 30, precision: .bf16)
    let c = try product(problem, variant) { operands in
      for index in 0..<(40 * 30) { operands.b.pointer(to: UInt16.self)[index] = 0 }
    }
    #expect(c.allSatisfy { $0 == 0 })
  }

  /// The largest finite half, 65504: 30 · 65504² = 1.287e11, exact in fp64, far below fp32's end.
  @Test(arguments: presentVariants, [1, 20])
  func `the largest halves and the smallest do not overflow or vanish`(name: String, m: Int)
    throws
  {
    let variant = try #require(MatmulWorkload.variants.first { $0.name == name })
    let problem = MatmulWorkload.Problem(m: m, n: 4, k: 30, precision: .fp16)
    for (bits, each) in [(UInt16(0x7BFF), 65504.0), (1, 0x1p-24)] {
      let c = try product(problem, variant) { operands in
        for index in 0..<(m * 30) { operands.a.pointer(to: UInt16.self)[index] = bits }
        for index in 0..<(4 * 30) { operands.b.pointer(to: UInt16.self)[index] = bits }
      }
      let expected = 30 * each * each
      #expect(c.allSatisfy { abs($0 - expected) <= expected * 30 * 0x1p-24 })
    }
  }

  @Test func `what a capability lacks is said in words`() {
    for capability in Capability.allCases {
      #expect(capability.isPresent == (capability.missing == nil))
      if let missing = capability.missing { #expect(missing.hasPrefix("this processor has no ")) }
    }
  }

  @Test func `the best variant is the last own one that the machine has`() throws {
    let best = try #require(MatmulWorkload.bestVariant)
    #expect(
      best.name == MatmulWorkload.variants.last { $0.kind == .own && $0.unavailable == nil }?.name)
  }
}
