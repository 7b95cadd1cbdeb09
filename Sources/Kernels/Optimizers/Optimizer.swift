import CMicrokernels
import Glibc
package import Quantities
import Synchronization

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
/// - Shapes: a parameter, its gradient and its states are equally long, the gradient in fp32, the others in fp32 or
///   bf16.
/// - Work: AdamW reads `g`, `w`, `m` and `v` and writes the last three: 28 bytes a number; with states in 8 bits
///   16, momentum 20, SGD 12.
/// - Error: as many roundings as operations; the root and the quotient are rounded once each. What is stored in
///   bf16 is computed in fp32, and rounded once more.
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

    /// What it keeps of a parameter of so many numbers, which are stored so: its states are, too.
    package func stateBytes(of count: Int, _ stored: FloatFormat = .fp32) -> Bytes {
      switch self {
      case .sgd: .zero
      case .momentum: stored.bytes(of: count)
      case .adamw: stored.bytes(of: 2 * count)
      case .adamw8:
        isNarrow(count)
          ? Bytes(2 * codes(of: count) + 8 * blocks(of: count)) : stored.bytes(of: 2 * count)
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
    let w: UnsafeMutableRawPointer
    let stored: FloatFormat
    let states: UnsafeMutableRawPointer?
    let gradient: UnsafePointer<Float>
    let count: Int

    /// - Parameters:
    ///   - stored: fp32 or bf16: how `w` and its states are stored.
    ///   - states: as many bytes as the rule says, one state after the other; of 8-bit ones the codes of both, and
    ///     then the scales of both.
    package init(
      w: UnsafeMutableRawPointer, stored: FloatFormat = .fp32, states: UnsafeMutableRawPointer?,
      gradient: UnsafePointer<Float>, count: Int
    ) {
      precondition(stored != .fp16, "weights are stored in fp32 or bf16")
      self.w = w
      self.stored = stored
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
  /// - Returns: how many weights in bf16 were left as they were by an update that was not 0.
  @discardableResult
  package func run(
    _ operands: Operands, step: Int, rate: Float, gradientScale: Float = 1,
    instructions: InstructionSet, pool: ThreadPool
  ) -> Int {
    let loops = instructions.training(.fp32)
    var facts = hr_optimizer_step(
      gradient_scale: gradientScale, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      decay: decay, correction1: 1 - powf(beta1, Float(step)),
      root_correction2: (1 - powf(beta2, Float(step))).squareRoot())
    let lost = Atomic(0)
    withUnsafePointer(to: &facts) { facts in
      // Shares are whole blocks of states.
      pool.share(operands.count, grain: Int(HR_STATE_BLOCK), least: 4096) { own, _ in
        if operands.stored == .fp32 {
          run(operands.piece(own, rule), facts, loops)
        } else {
          let narrow = NarrowWeights(operands, rule, instructions)
          lost.add(narrow.run(own) { run($0, facts, loops) }, ordering: .relaxed)
        }
      }
    }
    return lost.load(ordering: .relaxed)
  }

  private func run(
    _ piece: OptimizerPiece, _ facts: UnsafePointer<hr_optimizer_step>,
    _ loops: hr_training_loops
  ) {
    let (g, w, count) = (piece.gradient, piece.w, Int64(piece.count))
    switch piece.states {
    case .none: loops.momentum(facts, g, count, w, nil)
    case .one(let m): loops.momentum(facts, g, count, w, m)
    case .two(let m, let v): loops.adamw(facts, g, count, w, m, v)
    case .codes(let codes):
      loops.adamw8(facts, g, count, w, codes.m, codes.v, codes.mScales, codes.vScales)
    }
  }
}
