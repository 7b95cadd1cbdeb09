import Kernels
package import Quantities

/// What a step does and keeps, whatever the numbers are.
package struct StepCounts: Hashable, Sendable {
  /// Operations of products as the formulas have them: nothing is computed again, nothing is done for what is
  /// frozen, an embedding is a look-up, and causal attention sees half.
  package private(set) var modelFlops = 0
  /// Those that are executed.
  package private(set) var executedFlops = 0
  /// What is kept of the forward pass at its end, of one micro-batch.
  package private(set) var keptBytes = Bytes.zero
  /// Of what is trained, and of what is frozen.
  package private(set) var trainedWeights = 0
  package private(set) var weightBytes = Bytes.zero

  init(_ graph: Graph, _ schedule: Schedule, _ batch: TrainingBatch) {
    let differentiable = graph.differentiable
    for instruction in schedule.instructions {
      switch instruction.kind {
      case .forward(let index):
        let flops = graph.operations[index].forwardFlops
        if instruction.phase == .forward { modelFlops += flops }
        executedFlops += flops
      case .backward(let index):
        let operation = graph.operations[index]
        let flops = operation.backwardFlops(
          inputs: operation.inputs.map(differentiable.contains))
        modelFlops += flops.model
        executedFlops += flops.executed
      case .clip, .update: break
      }
    }
    modelFlops *= batch.accumulation
    executedFlops *= batch.accumulation
    let end = schedule.instructions.firstIndex { $0.phase != .forward } ?? 0
    for instance in schedule.instances
    where instance.role == .activations && instance.first < end && instance.last >= end {
      keptBytes += instance.bytes
    }
    for parameter in graph.parameters {
      weightBytes += parameter.tensor.bytes
      if parameter.isTrained { trainedWeights += parameter.count }
    }
  }
}
