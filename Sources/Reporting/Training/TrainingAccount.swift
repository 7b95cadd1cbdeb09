package import Quantities
import Records
import Statistics

/// What the steps of a training case told, in finished numbers.
package struct TrainingAccount: Sendable {
  package let losses: [Double]
  package let gradientNorm: Double?
  package let modelFlops: Int
  package let executedFlops: Int
  package let keptBytes: Bytes
  /// The median of the steps' seconds in each phase.
  package let phases: [MemoryPhase: Seconds]
  /// The share of updates that rounding to 16 bits undid, where weights are stored so.
  package let lostUpdates: Double?
  package let withoutEffect: [String]
  /// What is computed again within a budget.
  package let plan: [String]

  init(_ training: Record.Training) {
    losses = training.losses
    gradientNorm = training.gradientNorm
    modelFlops = training.modelFlops
    executedFlops = training.executedFlops
    keptBytes = training.keptBytes
    phases = training.phases.compactMapValues { times in
      (try? Sample(times)).map { Seconds($0.median) }
    }
    lostUpdates = training.lostUpdates
    withoutEffect = training.withoutEffect
    plan = training.plan
  }
}
