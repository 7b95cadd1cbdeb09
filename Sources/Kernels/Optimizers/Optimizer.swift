import CMicrokernels
import Glibc
import Quantities

/// A rule by which parameters follow their gradients.
///
///     sgd:       w ← w · (1 − rate · decay) − rate · g
///     momentum:  m ← β₁ m + g,  w ← w · (1 − rate · decay) − rate · m
///     adamw:     m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
///                w ← w · (1 − rate · decay) − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// - Shapes: a parameter, its gradient and its states are equally long, in fp32.
/// - Work: AdamW reads `g`, `w`, `m` and `v` and writes the last three: 28 bytes a number; momentum 20, SGD 12.
/// - Error: as many roundings as operations; the root and the quotient are rounded once each.
/// - Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.
package struct Optimizer: Hashable, Sendable {
  package let rule: Rule
  package var rate: Float
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var decay: Float

  package enum Rule: String, CaseIterable, Codable, Sendable {
    case adamw
    case sgd
    case momentum

    /// Numbers that it keeps of each of a parameter's.
    package var states: Int {
      switch self {
      case .adamw: 2
      case .sgd: 0
      case .momentum: 1
      }
    }
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
    let states: UnsafeMutablePointer<Float>?
    let gradient: UnsafePointer<Float>
    let count: Int

    /// - Parameter states: one after the other, each as long as the parameter.
    package init(
      w: UnsafeMutablePointer<Float>, states: UnsafeMutablePointer<Float>?,
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
      pool.share(count, grain: 64, least: 4096) { own, _ in
        let at = own.lowerBound
        let (g, w) = (operands.gradient + at, operands.w + at)
        switch rule {
        case .adamw:
          guard let m = operands.states else { return }
          loops.adamw(facts, g, Int64(own.count), w, m + at, m + count + at)
        case .momentum:
          loops.momentum(facts, g, Int64(own.count), w, operands.states.map { $0 + at })
        case .sgd: loops.momentum(facts, g, Int64(own.count), w, nil)
        }
      }
    }
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
