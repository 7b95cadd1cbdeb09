import Foundation
import Kernels
import Workloads
import Quantities
import Testing

extension Threaded {
  struct MatmulValueTests {
    /// By hand: [1 2; 3 4] · [5 6; 7 8]ᵀ.
    @Test(arguments: FloatFormat.allCases)
    func `a product by hand comes out`(precision: FloatFormat) throws {
      let call = try MatmulCall(m: 2, n: 2, k: 2, precision: precision)
      for (index, value) in [Float(1), 2, 3, 4].enumerated() { call.a.set(index, value) }
      for (index, value) in [Float(5), -6, 7, 8].enumerated() { call.b.set(index, value) }
      for variant in call.variants {
        #expect(try call.run(variant) == [-7, 23, -9, 53], "\(variant.name)")
      }
    }

    /// Against three plain loops over Doubles, in another order than the kernel's.
    @Test(arguments: FloatFormat.allCases)
    func `expected values and magnitudes are those of plain loops`(precision: FloatFormat) throws {
      let call = try MatmulCall(m: 3, n: 5, k: 11, precision: precision)
      let sample = OutputSample(rows: 3, columns: 5, flopsPerResult: 1, seed: 0)
      let expected = MatmulWorkload.expectation(of: call.problem, call.operands, at: sample)
      for row in 0..<3 {
        for column in 0..<5 {
          let terms = (0..<11).reversed().map {
            Double(call.a[row * 11 + $0]) * Double(call.b[column * 11 + $0])
          }
          let (sum, size) = (terms.reduce(0, +), terms.map(abs).reduce(0, +))
          #expect(abs(expected.values[row * 5 + column] - sum) <= 1e-14 * size)
          #expect(abs(expected.magnitudes[row * 5 + column] - size) <= 1e-14 * size)
        }
      }
    }

    @Test func `expected values follow a thinned sample`() throws {
      let call = try MatmulCall(m: 64, n: 64, k: 3, precision: .fp32)
      let all = OutputSample(rows: 64, columns: 64, flopsPerResult: 1, seed: 0)
      let some = OutputSample(rows: 64, columns: 64, flopsPerResult: 1, countBudget: 64, seed: 0)
      let whole = MatmulWorkload.expectation(of: call.problem, call.operands, at: all)
      let thin = MatmulWorkload.expectation(of: call.problem, call.operands, at: some)
      let picked = some.rows.flatMap { row in some.columns.map { whole.values[row * 64 + $0] } }
      #expect(thin.values == picked)
    }

    @Test(arguments: MatmulShape.all)
    func `zeros give zeros`(shape: MatmulShape) throws {
      let call = try shape.call()
      call.a.setAll(0)
      for variant in call.variants {
        #expect(try call.run(variant).allSatisfy { $0 == 0 }, "\(variant.name)")
      }
    }

    /// Each sum of 17 products stays below the largest float: for fp16 17·65504² is 7.3e10; in
    /// the others b is 2⁻⁵, so that each sum is 17/32 of the largest value.
    @Test(arguments: MatmulShape.all)
    func `the largest values give finite sums`(shape: MatmulShape) throws {
      let call = try shape.call()
      let (a, b): (Float, Float) =
        switch shape.precision {
        case .fp32: (.greatestFiniteMagnitude, 0x1p-5)
        case .fp16: (65504, 65504)
        case .bf16: (0x1.fep+127, 0x1p-5)
        }
      call.a.setAll(a)
      call.b.setAll(b)
      let exact = 17 * Double(a) * Double(b)
      for variant in call.variants {
        let results = try call.run(variant)
        // 17 sums and 17 products of 2⁻²⁴ each.
        #expect(
          results.allSatisfy { abs(Double($0) - exact) <= exact * 34 * 0x1p-24 },
          "\(variant.name)")
      }
    }

    /// 17 times the smallest positive value of the format is a float, so the sum is exact;
    /// a processor that flushes subnormals to zero would give 0, as the instruction for pairs of
    /// bf16 does.
    @Test(arguments: MatmulShape.all)
    func `subnormals are kept`(shape: MatmulShape) throws {
      let call = try shape.call()
      let least: Float =
        switch shape.precision {
        case .fp32: 0x1p-149
        case .fp16: 0x1p-24
        case .bf16: 0x1p-133
        }
      call.a.setAll(1)
      call.b.setAll(least)
      for variant in call.variants {
        let flushes = shape.precision == .bf16 && variant.name == "avx512-bf16"
        let sum = flushes ? 0 : 17 * least
        #expect(try call.run(variant).allSatisfy { $0 == sum }, "\(variant.name)")
      }
    }

    @Test(arguments: MatmulShape.all, [Float.infinity, -.infinity, .nan])
    func `a weight that is no number spoils its column alone`(shape: MatmulShape, bad: Float)
      throws
    {
      let call = try shape.call()
      let spoiled = 15
      for variant in call.variants {
        call.refill()
        let before = try call.run(variant)
        call.b.set(spoiled * call.problem.k + 16, bad)
        let after = try call.run(variant)
        for (index, value) in after.enumerated() {
          if index % call.problem.n == spoiled {
            #expect(!value.isFinite, "\(variant.name), result \(index)")
          } else {
            #expect(value == before[index], "\(variant.name), result \(index)")
          }
        }
      }
    }

    @Test(arguments: MatmulShape.all)
    func `an activation that is infinite spoils its row alone`(shape: MatmulShape) throws {
      let call = try shape.call()
      for variant in call.variants {
        call.refill()
        let before = try call.run(variant)
        call.a.set(call.problem.k, .infinity)
        let after = try call.run(variant)
        for (index, value) in after.enumerated() {
          if index / call.problem.n == 1 {
            #expect(!value.isFinite, "\(variant.name), result \(index)")
          } else {
            #expect(value == before[index], "\(variant.name), result \(index)")
          }
        }
      }
    }

  }
}

/// Few rows go unpacked and many packed; 33 columns end within a tile of every variant.
struct MatmulShape: Sendable, CustomTestStringConvertible {
  let m: Int
  let precision: FloatFormat

  static let all = FloatFormat.allCases.flatMap { precision in
    [2, 9].map { MatmulShape(m: $0, precision: precision) }
  }

  func call() throws -> MatmulCall { try MatmulCall(m: m, n: 33, k: 17, precision: precision) }

  var testDescription: String { "\(m) rows of \(precision)" }
}

/// One problem's operands, to be set at will, and every variant that can run on them here.
struct MatmulCall {
  let problem: MatmulWorkload.Problem
  let operands: MatmulWorkload.Operands
  private let ledger: MemoryLedger

  init(m: Int, n: Int, k: Int, precision: FloatFormat) throws {
    problem = MatmulWorkload.Problem(m: m, n: n, k: k, precision: precision)
    ledger = try MemoryLedger()
    operands = try MatmulWorkload.operands(for: problem, seed: 3, in: ledger)
  }

  var a: Tensor { operands.a }
  var b: Tensor { operands.b }
  var variants: [Variant<MatmulWorkload>] {
    MatmulWorkload.variants.filter { $0.kind != .competitor && $0.unavailable == nil }
  }

  /// Positive numbers, so that an infinity meets no zero.
  func refill() {
    for tensor in [a, b] {
      for index in 0..<tensor.count { tensor.set(index, Float(index % 7 + 1)) }
    }
  }

  func run(_ variant: Variant<MatmulWorkload>) throws -> [Float] {
    try scoped {
      let execution = Execution(ledger: ledger, pool: try ThreadPool(threads: 1))
      operands.c.fillNaN()
      try variant.prepare(problem, operands, execution).run()
      return (0..<operands.c.count).map { operands.c[$0] }
    }
  }
}

extension Tensor {
  /// One element, rounded to what is stored.
  func set(_ index: Int, _ value: Float) {
    switch elementType {
    case .fp32: pointer(to: Float.self)[index] = value
    case .fp16: pointer(to: UInt16.self)[index] = Float16Bits.bits(value)
    case .bf16: pointer(to: UInt16.self)[index] = BFloat16Bits.bits(value)
    default: preconditionFailure("an element of a block is not set by itself")
    }
  }

  func setAll(_ value: Float) { for index in 0..<count { set(index, value) } }
}
