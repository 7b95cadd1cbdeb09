import Kernels
import Quantities

/// The schedule that a step's options ask for.
enum StepSchedule {
  /// - Parameter fixed: bytes that live throughout.
  /// - Throws: `BudgetFault`.
  static func make(
    _ graph: Graph, _ options: TrainingOptions, layers: Int, accumulation: Int, fixed: Bytes
  ) throws -> (Schedule, plan: [String]) {
    let form = Schedule.Form(options, accumulation: accumulation)
    guard case .budget(let budget) = options.checkpointing else {
      return (
        Schedule(graph, form: form) { options.checkpointing.keeps(graph[$0], layers: layers) }, []
      )
    }
    let plan = try CheckpointingPlan(
      graph, form: form, layers: layers, fixed: fixed, budget: budget)
    return (Schedule(graph, form: form) { plan.keeps(graph[$0]) }, plan.sentences)
  }
}

extension Schedule.Form {
  init(_ options: TrainingOptions, accumulation: Int) {
    self.init(
      accumulation: accumulation, updatesInBackward: options.updatesInBackward,
      clips: options.measuresNorm)
  }
}
