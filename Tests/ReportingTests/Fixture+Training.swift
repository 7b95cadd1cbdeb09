import OrderedCollections
import Quantities
import Records
import Reporting

/// Steps of training whose figures a reader can check by hand.
extension Fixture {
  /// - Parameter changes: the axes that are not as where nothing saves memory.
  static func step(_ changes: KeyValuePairs<String, String> = [:]) -> Case {
    var axes: OrderedDictionary<String, AxisValue> = [
      "tokens": .number(256), "checkpointing": .word("none"), "loss": .word("whole"),
      "precision": .word("fp32"), "optimizer": .word("adamw"), "update": .word("separate"),
      "adapter": .word("none"), "base": .word("fp32"), "variant": .word("best"),
    ]
    for (axis, value) in changes { axes[axis] = .word(value) }
    return Case(workload: "training-step", axes: axes)
  }

  /// 40 MiB of weights beside the activations, or beside 30 MiB of gradients.
  static func trained(
    _ asked: Case, milliseconds: Double, activations: Int, losses: [Double] = [5]
  ) -> Record {
    var record = record(
      asked, timing: timing([Double](repeating: milliseconds / 1000, count: 16)))
    record.group = 1
    record.memory?.ledger = MemoryPlan([
      .forward: [.weights: .mebibytes(40), .activations: .mebibytes(activations)],
      .update: [.weights: .mebibytes(40), .gradients: .mebibytes(30)],
    ])
    record.training = Record.Training(
      losses: losses, gradientNorm: 1, modelFlops: 100, executedFlops: 120,
      keptBytes: .mebibytes(activations), phases: [.forward: [0.1, 0.3, 0.2]],
      withoutEffect: asked.axes["checkpointing"]?.text == "attention" ? ["it drops nothing"] : [])
    return record
  }

  /// A step that computes again what `checkpointing` says.
  static func saved(_ checkpointing: String, milliseconds: Double, activations: Int) -> Record {
    trained(
      step(["checkpointing": checkpointing]), milliseconds: milliseconds,
      activations: activations)
  }
}
