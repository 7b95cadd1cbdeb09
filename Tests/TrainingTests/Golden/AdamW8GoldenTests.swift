import Kernels
import Quantities
import Testing

/// AdamW with states of 8 bits against bitsandbytes: see `adamw8.py`.
struct AdamW8GoldenTests {
  private static let golden = Result {
    try GoldenFile<AdamW8Golden>.cases("adamw8")
  }

  /// Weights stray by roundings of their update of up to 0.01. A moment that is rounded another way may get the code
  /// next to it, a few in a thousand of them.
  @Test(arguments: 0...1, InstructionSet.trained)
  func `weights and states are those of another implementation`(
    tensor: Int, instructions: InstructionSet
  ) throws {
    let golden = try Self.golden.get()
    let (options, steps) = (golden.options.optimizer, golden.tensors[tensor].steps)
    let count = tensor == 0 ? 64 * 80 : 300
    let ledger = try MemoryLedger(fence: 256)
    let w = try ledger.tensor(.fp32, [count], .weights)
    let gradient = try ledger.tensor(.fp32, [count], .gradients)
    let states = try ledger.allocate(options.rule.stateBytes(of: count), role: .optimizer)
    let floats = w.pointer(to: Float.self)
    for index in 0..<count { floats[index] = uniform(UInt32(10 * tensor), index) / 8 }
    let pool = try makePool(threads: 1)
    for (step, expected) in steps.enumerated() {
      for index in 0..<count {
        gradient.store(golden.gradient(index, tensor: tensor, step: step + 1), at: index)
      }
      options.run(
        Optimizer.Operands(
          w: floats, states: states.start, gradient: gradient.pointer(to: Float.self),
          count: count),
        step: step + 1, rate: options.rate, instructions: instructions, pool: pool)
      let farthest = zip(w.doubles(0..<count), expected.weights.values).map { abs($0 - $1) }
      #expect(farthest.max() ?? .infinity < 1e-6, "step \(step + 1)")
      guard tensor == 0, let m = expected.m, let v = expected.v else { continue }
      let codes = UnsafeBufferPointer(
        start: states.start.assumingMemoryBound(to: UInt8.self), count: 2 * count)
      let different = zip(codes, m.values + v.values).count { Double($0) != $1 }
      #expect(different < count / 250, "step \(step + 1)")
    }
    #expect(ledger.brokenFences == [])
  }
}

/// Options, and what came out step by step.
struct AdamW8Golden: Decodable, Sendable {
  let options: Options
  let tensors: [Trained]

  struct Options: Decodable, Sendable {
    let rate: Float
    let beta1: Float
    let beta2: Float
    let epsilon: Float
    let decay: Float

    var optimizer: Optimizer {
      Optimizer(
        .adamw8, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay)
    }
  }

  struct Trained: Decodable, Sendable {
    let steps: [Step]
  }

  struct Step: Decodable, Sendable {
    let weights: GoldenArray
    /// Codes of the moments; of some steps alone.
    let m: GoldenArray?
    let v: GoldenArray?
  }

  /// Blocks are smaller and smaller, and the fourth is 0.
  func gradient(_ index: Int, tensor: Int, step: Int) -> Float {
    let block = index / 256
    return block == 3
      ? 0
      : uniform(UInt32(10 * tensor + step), index)
        * Float(sign: .plus, exponent: -block, significand: 1)
  }
}
