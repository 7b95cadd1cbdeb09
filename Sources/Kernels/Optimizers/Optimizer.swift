import CMicrokernels
import Glibc
package import Quantities

/// A rule by which parameters follow their gradients.
///
///     sgd:       w ← w · (1 − rate · decay) − rate · g
///     momentum:  m ← β₁ m + g,  w ← w · (1 − rate · decay) − rate · m
///     adamw:     m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
///                w ← w · (1 − rate · decay) − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// `adamw8` keeps m and v in 8 bits, with a scale for each 256 numbers; of parameters of less than 4096 numbers,
/// in fp32.
///
/// - Shapes: a parameter, its gradient and its states are equally long, in fp32.
/// - Work: AdamW reads `g`, `w`, `m` and `v` and writes the last three: 28 bytes a number; with states in 8 bits
///   16, momentum 20, SGD 12.
/// - Error: as many roundings as operations; the root and the quotient are rounded once each.
/// - Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2; Dettmers et al.,
///   "8-bit Optimizers via Block-wise Quantization" (2022).
package struct Optimizer: Hashable, Sendable {
  package let rule: Rule
  package var rate: Float
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var decay: Float

  package enum Rule: String, CaseIterable, Codable, Sendable {
    case adamw
    case adamw8
    case sgd
    case momentum

    /// What it keeps of a parameter of so many numbers.
    package func stateBytes(of count: Int) -> Bytes {
      switch self {
      case .sgd: .zero
      case .momentum: FloatFormat.fp32.bytes(of: count)
      case .adamw: FloatFormat.fp32.bytes(of: 2 * count)
      case .adamw8:
        isNarrow(count)
          ? Bytes(2 * codes(of: count) + 8 * blocks(of: count))
          : FloatFormat.fp32.bytes(of: 2 * count)
      }
    }

    /// Whether a parameter's states are in 8 bits.
    package func isNarrow(_ count: Int) -> Bool { self == .adamw8 && count >= 4096 }

    func blocks(of count: Int) -> Int {
      (count + Int(HR_STATE_BLOCK) - 1) / Int(HR_STATE_BLOCK)
    }
    /// Bytes of the codes of one state: scales come after, at a multiple of 4.
    func codes(of count: Int) -> Int { roundUp(count, to: 4) }
  }

  /// Defaults are those that fine-tuning uses.
  package init(
    _ rule: Rule, rate: Float = 5e-5, beta1: Float = 0.9, beta2: Float = 0.999,
    epsilon: Float = 1e-8, decay: Float = 0.01
  ) {
    self.rule = rule
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
  }

  /// One parameter's numbers.
  package struct Operands {
    let w: UnsafeMutablePointer<Float>
    let states: UnsafeMutableRawPointer?
    let gradient: UnsafePointer<Float>
    let count: Int

    /// - Parameter states: as many bytes as the rule says, one state after the other; of 8-bit ones the codes of
    ///   both, and then the scales of both.
    package init(
      w: UnsafeMutablePointer<Float>, states: UnsafeMutableRawPointer?,
      gradient: UnsafePointer<Float>, count: Int
    ) {
      self.w = w
      self.states = states
      self.gradient = gradient
      self.count = count
    }
  }

  /// Goes one step.
  ///
  /// - Parameters:
  ///   - step: counts from 1.
  ///   - rate: what the schedule makes of `rate` in this step.
  ///   - gradientScale: what the gradient is multiplied by first.
  package func run(
    _ operands: Operands, step: Int, rate: Float, gradientScale: Float = 1,
    instructions: InstructionSet, pool: ThreadPool
  ) {
    let loops = instructions.training(.fp32)
    var facts = hr_optimizer_step(
      gradient_scale: gradientScale, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      decay: decay, correction1: 1 - powf(beta1, Float(step)),
      root_correction2: (1 - powf(beta2, Float(step))).squareRoot())
    let count = operands.count
    withUnsafePointer(to: &facts) { facts in
      // Shares are whole blocks of states.
      pool.share(count, grain: Int(HR_STATE_BLOCK), least: 4096) { own, _ in
        run(operands, own, facts, loops)
      }
    }
  }

  private func run(
    _ operands: Operands, _ own: Range<Int>, _ facts: UnsafePointer<hr_optimizer_step>,
    _ loops: hr_training_loops
  ) {
    let (at, count) = (own.lowerBound, operands.count)
    let (g, w) = (operands.gradient + at, operands.w + at)
    guard let states = operands.states else {
      loops.momentum(facts, g, Int64(own.count), w, nil)
      return
    }
    let floats = states.assumingMemoryBound(to: Float.self)
    guard rule != .momentum else {
      loops.momentum(facts, g, Int64(own.count), w, floats + at)
      return
    }
    guard rule.isNarrow(count) else {
      loops.adamw(facts, g, Int64(own.count), w, floats + at, floats + count + at)
      return
    }
    let codes = states.assumingMemoryBound(to: UInt8.self)
    let scales = (states + 2 * rule.codes(of: count)).assumingMemoryBound(to: Float.self)
    let block = at / Int(HR_STATE_BLOCK)
    loops.adamw8(
      facts, g, Int64(own.count), w, codes + at, codes + rule.codes(of: count) + at,
      scales + block, scales + rule.blocks(of: count) + block)
  }
}

/// The norm of gradients, and what clipping multiplies them by.
///
/// - Error: squares of blocks of 1024 numbers are summed in fp32, and those sums in fp64 in a fixed order.
package struct GradientNorm {
  private static let block = 1 << 14

  /// Adds a gradient's squares to a sum. The bits do not depend on the threads.
  ///
  /// - Parameter sums: room for as many numbers as `sums(of:)` says.
  package static func squares(
    _ gradient: UnsafePointer<Float>, count: Int, sums: UnsafeMutablePointer<Double>,
    instructions: InstructionSet, pool: ThreadPool
  ) -> Double {
    let loops = instructions.training(.fp32)
    let blocks = Self.sums(of: count)
    pool.share(blocks) { own, _ in
      for index in own {
        let from = index * block
        sums[index] = loops.squares(gradient + from, Int64(min(block, count - from)))
      }
    }
    return (0..<blocks).reduce(0) { $0 + sums[$1] }
  }

  /// Partial sums of a gradient so long.
  package static func sums(of count: Int) -> Int { (count + block - 1) / block }
}
