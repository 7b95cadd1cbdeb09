import Kernels
import Quantities

/// The instructions of one step, each with what lives while it runs: forward, loss, and backward with what is
/// computed again; then clipping and the update.
///
/// A value that is kept lives from where it is computed to its last use on the way back. One that is not lives
/// to its last use forward; when the way back asks for it, it is computed again, from what there is.
struct Schedule {
  private(set) var instructions: [Instruction] = []
  private(set) var instances: [Instance] = []
  /// Instructions that each micro-batch runs; the others come once, after the last.
  private(set) var microBatchEnd = 0

  /// Memory of a value, a gradient or scratch, from one instruction to another.
  struct Instance {
    let name: String
    let bytes: Bytes
    let role: MemoryRole
    let elementType: ElementType
    let shape: [Int]
    /// Lives through all micro-batches.
    let isLasting: Bool
    /// Whether it is more than scratch, which holds what it likes.
    let isNamed: Bool
    var first: Int
    var last: Int
  }

  struct Instruction {
    let phase: MemoryPhase
    let kind: Kind
    var values: [Value: Int] = [:]
    var gradients: [Value: Int] = [:]
    var added: Set<Value> = []
    var parameterGradients: [ObjectIdentifier: Int] = [:]
    var begun: Set<ObjectIdentifier> = []
    var scratch: [Int] = []
  }

  enum Kind {
    case forward(operation: Int)
    case backward(operation: Int)
    case clip
    case update(Parameter)
  }

  /// How the parts of a step go together.
  struct Form {
    var accumulation = 1
    var updatesInBackward = false
    var clips = false
  }

  init(_ graph: Graph, form: Form, keeps: (Value) -> Bool) {
    var maker = Maker(graph, form)
    maker.forward()
    maker.dropValues { !keeps($0) }
    maker.backward()
    microBatchEnd = maker.instructions.count
    maker.finish()
    instructions = maker.instructions
    instances = maker.instances
  }

  /// What the arena is laid out for.
  var tenants: [ArenaTenant] {
    instances.map {
      ArenaTenant(
        bytes: $0.bytes, role: $0.role,
        life: $0.isLasting ? 0...max(0, instructions.count - 1) : $0.first...$0.last)
    }
  }
}

/// Writes a schedule down, instruction by instruction.
private struct Maker {
  let graph: Graph
  let form: Schedule.Form
  let differentiable: Set<Value>
  let producers: [Value: Int]
  /// How many operations are still to add to a parameter's gradient.
  var open: [ObjectIdentifier: Int] = [:]
  var instructions: [Schedule.Instruction] = []
  var instances: [Schedule.Instance] = []
  /// Where each value, and each gradient, is at hand.
  var values: [Value: Int] = [:]
  var gradients: [Value: Int] = [:]
  var parameterGradients: [ObjectIdentifier: Int] = [:]

  init(_ graph: Graph, _ form: Schedule.Form) {
    self.graph = graph
    self.form = form
    differentiable = graph.differentiable
    producers = graph.producers
    for operation in graph.operations {
      for parameter in operation.parameters where parameter.isTrained {
        open[ObjectIdentifier(parameter), default: 0] += 1
      }
    }
  }

  mutating func forward() {
    for (index, operation) in graph.operations.enumerated() where !operation.isLoss {
      compute(index, .forward)
    }
  }

  /// From here on what is not kept has to be computed again.
  mutating func dropValues(where isDropped: (Value) -> Bool) {
    for value in values.keys where isDropped(value) { values[value] = nil }
  }

  mutating func backward() {
    for (index, operation) in graph.operations.enumerated().reversed()
    where operation.isLoss || operation.outputs.contains(where: { gradients[$0] != nil }) {
      goBack(index, operation)
    }
  }

  mutating func finish() {
    let trained = graph.trained
    if form.clips {
      var clip = Schedule.Instruction(phase: .clip, kind: .clip)
      for parameter in trained {
        let id = ObjectIdentifier(parameter)
        clip.parameterGradients[id] = parameterGradients[id]
      }
      emit(clip)
    }
    guard !form.updatesInBackward else { return }
    for parameter in trained { update(parameter) }
  }

  private mutating func compute(_ index: Int, _ phase: MemoryPhase) {
    let operation = graph.operations[index]
    var instruction = Schedule.Instruction(phase: phase, kind: .forward(operation: index))
    for input in operation.inputs { instruction.values[input] = values[input] }
    for output in operation.outputs {
      let facts = graph[output]
      let made = instance(
        facts.name, facts.bytes, .activations, facts.element.elementType,
        [facts.rows, facts.columns])
      instruction.values[output] = made
      // What was kept stays where it is.
      if values[output] == nil { values[output] = made }
    }
    instruction.scratch = operation.forwardScratch.map { scratch(operation.name, $0) }
    emit(instruction)
  }

  /// Has a value at hand, whatever it takes.
  private mutating func require(_ value: Value) {
    guard values[value] == nil, let producer = producers[value] else { return }
    for input in graph.operations[producer].inputs { require(input) }
    compute(producer, .recompute)
  }

  private mutating func goBack(_ index: Int, _ operation: any TapeOperation) {
    for value in operation.backwardReads { require(value) }
    var instruction = Schedule.Instruction(
      phase: operation.isLoss ? .loss : .backward, kind: .backward(operation: index))
    for value in operation.backwardReads { instruction.values[value] = values[value] }
    for output in operation.outputs { instruction.gradients[output] = gradients[output] }
    for (input, flow) in zip(operation.inputs, operation.flows) {
      if differentiable.contains(input) {
        flows(flow, into: input, operation, &instruction)
      } else if operation.writesAllGradients {
        // Nobody asks for it, and it is let go of at once.
        instruction.gradients[input] = gradient(of: input)
      }
    }
    for parameter in operation.parameters where parameter.isTrained {
      let id = ObjectIdentifier(parameter)
      if let there = parameterGradients[id] {
        instruction.parameterGradients[id] = there
        instruction.begun.insert(id)
      } else {
        let made = instance(
          parameter.name, ElementType.fp32.bytes(of: parameter.count), .gradients, .fp32,
          parameter.tensor.shape, isLasting: form.accumulation > 1)
        parameterGradients[id] = made
        instruction.parameterGradients[id] = made
      }
    }
    instruction.scratch = operation.backwardScratch.map { scratch(operation.name, $0) }
    emit(instruction)
    for output in operation.outputs { gradients[output] = nil }
    for parameter in operation.parameters where parameter.isTrained {
      let id = ObjectIdentifier(parameter)
      open[id, default: 1] -= 1
      if form.updatesInBackward, open[id] == 0 { update(parameter) }
    }
  }

  private mutating func flows(
    _ flow: GradientFlow, into input: Value, _ operation: any TapeOperation,
    _ instruction: inout Schedule.Instruction
  ) {
    switch flow {
    case .none: return
    case .passed(let output), .inPlace(let output):
      precondition(gradients[input] == nil, "a gradient passes to where there is none yet")
      gradients[input] = gradients[operation.outputs[output]]
    case .computed:
      if gradients[input] != nil {
        instruction.added.insert(input)
      } else {
        gradients[input] = gradient(of: input)
      }
    }
    instruction.gradients[input] = gradients[input]
  }

  private mutating func gradient(of value: Value) -> Int {
    let facts = graph[value]
    return instance(
      "d " + facts.name, ElementType.fp32.bytes(of: facts.count), .workspace, .fp32,
      [facts.rows, facts.columns])
  }

  private mutating func update(_ parameter: Parameter) {
    let id = ObjectIdentifier(parameter)
    var instruction = Schedule.Instruction(phase: .update, kind: .update(parameter))
    instruction.parameterGradients[id] = parameterGradients[id]
    emit(instruction)
  }

  private mutating func scratch(_ name: String, _ floats: Int) -> Int {
    instance(
      name, ElementType.fp32.bytes(of: floats), .workspace, .fp32, [floats], isNamed: false)
  }

  private mutating func instance(
    _ name: String, _ bytes: Bytes, _ role: MemoryRole, _ elementType: ElementType, _ shape: [Int],
    isLasting: Bool = false, isNamed: Bool = true
  ) -> Int {
    instances.append(
      Schedule.Instance(
        name: name, bytes: bytes, role: role, elementType: elementType, shape: shape,
        isLasting: isLasting, isNamed: isNamed, first: instructions.count, last: instructions.count)
    )
    return instances.count - 1
  }

  /// All that an instruction names lives at least until it has run.
  private mutating func emit(_ instruction: Schedule.Instruction) {
    let named =
      Array(instruction.values.values) + Array(instruction.gradients.values)
      + Array(instruction.parameterGradients.values) + instruction.scratch
    for index in named { instances[index].last = instructions.count }
    instructions.append(instruction)
  }
}
