import Quantities

/// From which instruction of a step to which everything lives: forward, then back with what is computed again.
struct StepLives {
  private(set) var instructions: [Instruction] = []
  private(set) var lives: [Life] = []
  private let graph: StepGraph
  private let form: Form
  private let producers: [StepGraph.Value: Int]
  private let differentiable: Set<StepGraph.Value>
  /// Where each value, and each gradient, is at hand.
  private var values: [StepGraph.Value: Int] = [:]
  private var gradients: [StepGraph.Value: Int] = [:]
  private var parameters: [(id: Int, life: Int)] = []
  /// Operations that are still to add to a parameter's gradient.
  private var open: [Int: Int] = [:]

  struct Form {
    var accumulates: Bool
    var updatesInBackward: Bool
    var clips: Bool
  }

  struct Instruction {
    let phase: PlanPhase
    let name: String
    let entry: Int?
  }

  struct Life {
    let name: String
    let role: MemoryRole
    let size: ScaledBytes
    /// The layer of which it is, where each layer like it has one.
    let entry: Int?
    /// Lives through the whole step.
    var isLasting = false
    let first: Int
    var last: Int
  }

  init(_ graph: StepGraph, _ form: Form, keeps: (StepGraph.Fact) -> Bool) {
    self.graph = graph
    self.form = form
    var producers: [StepGraph.Value: Int] = [:]
    var differentiable: Set<StepGraph.Value> = []
    for (index, operation) in graph.operations.enumerated() {
      for output in operation.outputs { producers[output] = index }
      if !operation.trained.isEmpty
        || operation.inputs.contains(where: { differentiable.contains($0.value) })
      {
        differentiable.formUnion(operation.outputs)
      }
      for parameter in operation.trained { open[parameter.id, default: 0] += 1 }
    }
    (self.producers, self.differentiable) = (producers, differentiable)
    for index in graph.operations.indices where !graph.operations[index].isLoss {
      compute(index, .forward)
    }
    for value in values.keys where !keeps(graph.values[value]) { values[value] = nil }
    for index in graph.operations.indices.reversed() { goBack(index) }
    finish()
  }

  private mutating func life(
    _ name: String, _ role: MemoryRole, _ size: ScaledBytes, _ entry: Int?
  ) -> Int {
    lives.append(
      Life(
        name: name, role: role, size: size, entry: entry, first: instructions.count,
        last: instructions.count))
    return lives.count - 1
  }

  private mutating func emit(_ phase: PlanPhase, _ name: String, _ entry: Int?, _ used: [Int]) {
    for index in used { lives[index].last = instructions.count }
    instructions.append(Instruction(phase: phase, name: name, entry: entry))
  }

  private mutating func compute(_ index: Int, _ phase: PlanPhase) {
    let operation = graph.operations[index]
    var used = operation.inputs.compactMap { values[$0.value] }
    for output in operation.outputs {
      let fact = graph.values[output]
      let made = life(operation.name, .activations, fact.size, fact.entry)
      used.append(made)
      // What was kept stays where it is.
      if values[output] == nil { values[output] = made }
    }
    for size in operation.forward {
      used.append(life("\(operation.name)'s scratch", .workspace, size, nil))
    }
    emit(phase, operation.name, operation.entry, used)
  }

  private mutating func require(_ value: StepGraph.Value) {
    guard values[value] == nil, let producer = producers[value] else { return }
    for input in graph.operations[producer].inputs { require(input.value) }
    compute(producer, .recompute)
  }

  private mutating func goBack(_ index: Int) {
    let operation = graph.operations[index]
    guard operation.isLoss || operation.outputs.contains(where: { gradients[$0] != nil }) else {
      return
    }
    for value in operation.reads { require(value) }
    var used = operation.reads.compactMap { values[$0] }
    used += operation.outputs.compactMap { gradients[$0] }
    for (input, flow) in operation.inputs {
      if let one = flowed(flow, into: input, operation) { used.append(one) }
    }
    for parameter in operation.trained { used.append(gradient(of: parameter, operation)) }
    let name = "\(operation.name)'s way back"
    for size in operation.backward {
      used.append(life("\(operation.name)'s scratch", .workspace, size, nil))
    }
    emit(
      operation.isLoss ? .loss : .backward, operation.isLoss ? "loss" : name, operation.entry, used)
    for output in operation.outputs { gradients[output] = nil }
    for parameter in operation.trained {
      open[parameter.id, default: 1] -= 1
      if form.updatesInBackward, open[parameter.id] == 0 { update(parameter.id, operation.entry) }
    }
  }

  private mutating func flowed(
    _ flow: StepGraph.Flow, into input: StepGraph.Value, _ operation: StepGraph.Operation
  ) -> Int? {
    guard differentiable.contains(input) else {
      // Nobody asks for it, and it is let go of at once.
      return operation.writesAll && flow == .made
        ? life("gradient", .workspace, graph.values[input].gradient, nil) : nil
    }
    switch flow {
    case .passed(let output): gradients[input] = gradients[operation.outputs[output]]
    case .made:
      if gradients[input] == nil {
        gradients[input] = life(
          "gradients of activations", .workspace, graph.values[input].gradient, nil)
      }
    }
    return gradients[input]
  }

  private mutating func gradient(
    of parameter: StepGraph.Parameter, _ operation: StepGraph.Operation
  ) -> Int {
    if let there = parameters.first(where: { $0.id == parameter.id }) { return there.life }
    let made = life("gradients", .gradients, parameter.gradient, operation.entry)
    lives[made].isLasting = form.accumulates
    parameters.append((parameter.id, made))
    return made
  }

  private mutating func update(_ id: Int, _ entry: Int?) {
    guard let found = parameters.first(where: { $0.id == id }) else { return }
    emit(.optimizer, "update", entry, [found.life])
  }

  private mutating func finish() {
    if form.clips { emit(.clip, "norm of gradients", nil, parameters.map(\.life)) }
    guard !form.updatesInBackward else { return }
    for (id, _) in parameters { update(id, nil) }
  }
}
