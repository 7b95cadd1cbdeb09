import Glibc

/// How the learning rate goes from step to step.
///
/// - Source: Goyal et al., "Accurate, Large Minibatch SGD" (2017), for the warm-up; Loshchilov and Hutter,
///   "SGDR" (2017), for the cosine. Steps are counted as transformers counts them: the first has number 0.
package struct RateSchedule: Hashable, Sendable {
  package let shape: Shape
  package let warmUp: Int
  package let steps: Int

  package enum Shape: String, CaseIterable, Codable, Sendable {
    case constant
    /// Down to 0 after the last step.
    case linear
    /// Half a period, down to 0 after the last step.
    case cosine
  }

  /// - Parameters:
  ///   - warmUp: steps in which the rate rises from 0, linearly.
  ///   - steps: all of them, those of the warm-up included.
  package init(_ shape: Shape = .constant, warmUp: Int = 0, steps: Int = 0) {
    self.shape = shape
    self.warmUp = warmUp
    self.steps = steps
  }

  /// What the rate is multiplied by in a step, counted from 0.
  package func factor(at step: Int) -> Double {
    if step < warmUp { return Double(step) / Double(max(1, warmUp)) }
    let done = min(1, Double(step - warmUp) / Double(max(1, steps - warmUp)))
    return switch shape {
    case .constant: 1
    case .linear: max(0, 1 - done)
    case .cosine: max(0, 0.5 * (1 + cos(.pi * done)))
    }
  }
}
