package import Quantities

/// In what a step multiplies, and keeps its activations and its weights.
///
/// - Source: Micikevicius et al., "Mixed Precision Training" (2018).
package enum TrainingPrecision: String, CaseIterable, Codable, Sendable {
  case fp32
  /// Operands of products and what is kept are in bf16; weights, gradients and sums stay in fp32.
  case bf16
  /// The same in fp16, whose small numbers are lost: the loss is scaled.
  case fp16
  /// As bf16, and matrices of weights and their states are stored in bf16, too: an update that is smaller than
  /// half a unit of a weight's last place is lost. Gradients, sums and norms' gains stay in fp32.
  case pureBF16 = "bf16-pure"

  package var activations: FloatFormat {
    switch self {
    case .fp32: .fp32
    case .bf16, .pureBF16: .bf16
    case .fp16: .fp16
    }
  }

  /// How matrices that are trained are stored, and what the optimizer keeps of them.
  package var masters: FloatFormat { self == .pureBF16 ? .bf16 : .fp32 }

  package var scalesLoss: Bool { self == .fp16 }
}

/// What the loss is multiplied by, so that gradients do not fall below the smallest number: it grows while no
/// gradient overflows, and is halved by each step that does, which is skipped.
///
/// - Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.2; the constants are those of
///   PyTorch's `GradScaler`.
package struct LossScaler: Hashable, Sendable {
  package private(set) var scale: Float
  package private(set) var skipped = 0
  private let growth: Float
  private let backoff: Float
  private let interval: Int
  private var good = 0

  package init(
    scale: Float = 65_536, growth: Float = 2, backoff: Float = 0.5, interval: Int = 2000
  ) {
    self.scale = scale
    self.growth = growth
    self.backoff = backoff
    self.interval = interval
  }

  /// - Parameter overflowed: whether some gradient was not finite: the step was skipped then.
  package mutating func update(overflowed: Bool) {
    guard !overflowed else {
      skipped += 1
      good = 0
      scale *= backoff
      return
    }
    good += 1
    guard good == interval else { return }
    good = 0
    // A scale that is not finite would make every step one that is skipped.
    if (scale * growth).isFinite { scale *= growth }
  }
}
