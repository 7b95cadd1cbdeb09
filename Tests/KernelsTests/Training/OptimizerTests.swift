import Foundation
import Kernels
import Quantities
import Testing

/// Steps of optimizers against their formulas in fp64, of as many numbers as vectors have and of others.
struct OptimizerTests {
  private static let counts = [1, 7, 15, 16, 17, 64, 1000]
  /// Those whose states are in fp32.
  private static let options = [Optimizer.Rule.adamw, .sgd, .momentum].map {
    Optimizer($0, rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decay: 0.1)
  }

  /// By hand, as the doc comment has it.
  private struct Plain {
    var w: [Double]
    var m: [Double]
    var v: [Double]

    mutating func step(_ g: [Double], _ t: Int, _ options: Optimizer, rate: Double) {
      let (beta1, beta2) = (Double(options.beta1), Double(options.beta2))
      for index in w.indices {
        w[index] *= 1 - rate * Double(options.decay)
        switch options.rule {
        case .sgd: w[index] -= rate * g[index]
        case .momentum:
          m[index] = beta1 * m[index] + g[index]
          w[index] -= rate * m[index]
        case .adamw, .adamw8:
          m[index] = beta1 * m[index] + (1 - beta1) * g[index]
          v[index] = beta2 * v[index] + (1 - beta2) * g[index] * g[index]
          let mean = m[index] / (1 - pow(beta1, Double(t)))
          let root = (v[index] / (1 - pow(beta2, Double(t)))).squareRoot()
          w[index] -= rate * mean / (root + Double(options.epsilon))
        }
      }
    }
  }

  /// Five steps, each with another rate and a scale of its gradient; a bias correction in fp32 is 1e-6 off where
  /// 1 − β₂ is 0.01.
  @Test(arguments: options, InstructionSet.trained)
  func `steps are the formula's`(options: Optimizer, instructions: InstructionSet) throws {
    for count in Self.counts {
      let ledger = try MemoryLedger(fence: 256)
      let w = try ledger.drawn([count], seed: 1)
      let bytes = options.rule.stateBytes(of: count)
      let states = try ledger.allocate(bytes, role: .optimizer)
      let gradient = try ledger.tensor(.fp32, [count], .gradients)
      let zeros = Array(repeating: 0.0, count: count)
      var plain = Plain(w: w.doubles, m: zeros, v: zeros)
      let pool = try makePool()
      for t in 1...5 {
        gradient.fillUniform(seed: UInt64(10 + t))
        let (rate, scale) = (Float(t) / 256, Float(t) / 4)
        plain.step(
          gradient.doubles.map { $0 * Double(scale) }, t, options, rate: Double(rate))
        options.run(
          Optimizer.Operands(
            w: w.floats, states: bytes > .zero ? states.start : nil,
            gradient: gradient.floats, count: count),
          step: t, rate: rate, gradientScale: scale, instructions: instructions, pool: pool)
      }
      let farthest = zip(plain.w, w.doubles).map { abs($0 - $1) }.max() ?? .infinity
      #expect(farthest < 1e-6, "\(count) numbers")
      #expect(ledger.brokenFences == [], "\(count) numbers")
    }
  }

  /// Between two numbers of bf16 below 1 lies 2⁻⁸: SGD's step of half as much is rounded away, to the even one.
  @Test(arguments: InstructionSet.trained)
  func `weights in bf16 tell how many updates were rounded away`(instructions: InstructionSet)
    throws
  {
    let ledger = try MemoryLedger(fence: 256)
    let count = 3000
    let w = try ledger.tensor(.bf16, [count], .weights)
    let gradient = try ledger.tensor(.fp32, [count], .gradients)
    for index in 0..<count {
      w.store(1, at: index)
      gradient.floats[index] = [0, 0x1p-9, 0x1p-8][index % 3]
    }
    let lost = Optimizer(.sgd, decay: 0).run(
      .init(
        w: w.start, stored: .bf16, states: nil, gradient: gradient.floats, count: count),
      step: 1, rate: 1, instructions: instructions, pool: try makePool())
    #expect(lost == 1000)
    let below: Double = 1 - 0x1p-8
    let expected: [Double] = (0..<count).map { $0 % 3 == 2 ? below : 1 }
    #expect(w.doubles == expected)
    #expect(ledger.brokenFences == [])
  }

  /// A step in bf16 is that in fp32 of the same numbers, rounded; counts are of one block and of several.
  @Test(arguments: Optimizer.Rule.allCases, InstructionSet.trained)
  func `a step in bf16 is a step in fp32 that is rounded`(
    rule: Optimizer.Rule, instructions: InstructionSet
  ) throws {
    for count in [1, 17, 1024, 4095, 5000] {
      func states(_ stored: FloatFormat) throws -> [[Double]] {
        let ledger = try MemoryLedger(fence: 256)
        let source = try ledger.drawn([count], seed: 1)
        let w = try ledger.tensor(stored.elementType, [count], .weights)
        for index in 0..<count {
          w.store(BFloat16Bits.float(BFloat16Bits.bits(source.floats[index])), at: index)
        }
        let bytes = rule.stateBytes(of: count, stored)
        let kept = bytes > .zero ? try ledger.allocate(bytes, role: .optimizer) : nil
        let gradient = try ledger.drawn([count], seed: 2)
        Optimizer(rule, rate: 0.01).run(
          .init(
            w: w.start, stored: stored, states: kept?.start, gradient: gradient.floats,
            count: count),
          step: 1, rate: 0.01, instructions: instructions, pool: try makePool())
        #expect(ledger.brokenFences == [], "\(count) numbers")
        var found = [w.doubles]
        // Codes of 8 bits are the same in both, as are their scales.
        if let kept, rule == .adamw8, count >= 4096 {
          let bytes = UnsafeRawBufferPointer(start: kept.start, count: bytes.count)
          return found + [bytes.map(Double.init)]
        }
        guard let kept else { return found }
        let wide = kept.start.assumingMemoryBound(to: Float.self)
        let narrow = kept.start.assumingMemoryBound(to: UInt16.self)
        found.append(
          (0..<(rule == .momentum ? 1 : 2) * count).map {
            Double(stored == .fp32 ? wide[$0] : BFloat16Bits.float(narrow[$0]))
          })
        return found
      }
      let rounded = try states(.fp32).enumerated().map { index, numbers in
        rule == .adamw8 && count >= 4096 && index > 0
          ? numbers : numbers.map { Double(BFloat16Bits.float(BFloat16Bits.bits(Float($0)))) }
      }
      #expect(try states(.bf16) == rounded, "\(count) numbers")
    }
  }

  /// Vectors find codes by arithmetic, the portable loops in a table. Without momentum the states are the
  /// gradient and its square: one block for each 255 of the 65536 places, whose scale is 1.
  @Test(arguments: InstructionSet.trained)
  func `codes of 8 bits are the table's, from every place`(instructions: InstructionSet) throws {
    let (places, block) = (1 << 16, 256)
    let count = (places + block - 2) / (block - 1) * block
    func codes(_ instructions: InstructionSet, squares: Bool) throws -> [UInt8] {
      let ledger = try MemoryLedger(fence: 256)
      let w = try ledger.tensor(.fp32, [count], .weights)
      let gradient = try ledger.tensor(.fp32, [count], .gradients)
      let states = try ledger.allocate(
        Optimizer.Rule.adamw8.stateBytes(of: count), role: .optimizer)
      for index in 0..<count {
        let place = index / block * (block - 1) + index % block - 1
        let unit = Float(2 * place) / 65535 - 1
        let value = index % block == 0 ? 1 : min(unit, 1)
        gradient.floats[index] = squares ? max(0, value).squareRoot() : value
      }
      Optimizer(.adamw8, beta1: 0, beta2: 0).run(
        .init(w: w.floats, states: states.start, gradient: gradient.floats, count: count),
        step: 1, rate: 0, instructions: instructions, pool: try makePool())
      #expect(ledger.brokenFences == [])
      let start = states.start.assumingMemoryBound(to: UInt8.self) + (squares ? count : 0)
      return Array(UnsafeBufferPointer(start: start, count: count))
    }
    for squares in [false, true] {
      let expected = try codes(.portable, squares: squares)
      #expect(Set(expected).count >= 245)
      #expect(try codes(instructions, squares: squares) == expected)
    }
  }

  /// The other way round: a step with no gradient decodes every code, and moves the weight by it.
  @Test(arguments: InstructionSet.trained)
  func `levels of 8 bits are the table's, to rounding`(instructions: InstructionSet) throws {
    func moved(_ instructions: InstructionSet) throws -> [Double] {
      let count = 4096
      let ledger = try MemoryLedger(fence: 256)
      let w = try ledger.tensor(.fp32, [count], .weights)
      let gradient = try ledger.tensor(.fp32, [count], .gradients)
      let states = try ledger.allocate(
        Optimizer.Rule.adamw8.stateBytes(of: count), role: .optimizer)
      let codes = states.start.assumingMemoryBound(to: UInt8.self)
      // All pairs of a code of the first state with one of sixteen of the second.
      for index in 0..<count {
        codes[index] = UInt8(index % 256)
        codes[count + index] = UInt8(255 - index / 256 - 16 * (index % 16))
      }
      let scales = (states.start + 2 * count).assumingMemoryBound(to: Float.self)
      for block in 0..<2 * count / 256 { scales[block] = 1 }
      Optimizer(.adamw8, beta1: 0.5, beta2: 0.5, epsilon: 0.25, decay: 0).run(
        .init(w: w.floats, states: states.start, gradient: gradient.floats, count: count),
        step: 1, rate: 1, instructions: instructions, pool: try makePool())
      #expect(ledger.brokenFences == [])
      return w.doubles
    }
    let expected = try moved(.portable)
    #expect(expected.filter { $0 == 0 }.count == 16)
    for (found, exact) in zip(try moved(instructions), expected) {
      #expect(abs(found - exact) <= 1e-6 * abs(exact))
    }
  }

  /// Where a gradient was always 0 AdamW leaves the weight to its decay.
  @Test(arguments: InstructionSet.trained)
  func `a gradient of 0 moves nothing but by the decay`(instructions: InstructionSet) throws {
    let ledger = try MemoryLedger()
    let w = try ledger.drawn([33], seed: 1)
    let before = w.doubles
    let states = try ledger.tensor(.fp32, [2, 33], .optimizer)
    let gradient = try ledger.tensor(.fp32, [33], .gradients)
    Optimizer(.adamw, decay: 0.5).run(
      .init(w: w.floats, states: states.start, gradient: gradient.floats, count: 33), step: 1,
      rate: 0.25, instructions: instructions, pool: try makePool())
    #expect(w.doubles == before.map { Double(Float($0) * 0.875) })
  }

  /// Sums of 2¹⁴ squares or fewer, in blocks; those of ones are whole numbers, and exact.
  @Test(arguments: counts + [16_383, 16_384, 16_385, 50_000], InstructionSet.trained)
  func `a norm sums all squares once`(count: Int, instructions: InstructionSet) throws {
    let ledger = try MemoryLedger(fence: 256)
    let sums = try ledger.tensor(.fp32, [2 * GradientNorm.sums(of: count)], .workspace)
    let gradient = try ledger.tensor(.fp32, [count], .gradients)
    func squares() throws -> Double {
      GradientNorm.squares(
        gradient.floats, count: count, sums: sums.pointer(to: Double.self),
        instructions: instructions, pool: try makePool())
    }
    for index in 0..<count { gradient.floats[index] = index % 2 == 0 ? 1 : -1 }
    #expect(try squares() == Double(count))
    gradient.fillUniform(seed: 3)
    let expected = gradient.doubles.reduce(0) { $0 + $1 * $1 }
    #expect(abs(try squares() - expected) < 1e-5 * expected)
    #expect(ledger.brokenFences == [])
  }
}
