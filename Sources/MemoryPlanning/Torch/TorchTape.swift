import Quantities

/// A step as PyTorch's autograd does it: what the way back needs is kept, and let go of as the way back is done.
///
/// - Source: PyTorch's `torch/csrc/autograd/engine.cpp` (a node's saved tensors go after it has run) and
///   `input_buffer.cpp` (how gradients that meet are added).
struct TorchTape {
  var memory: MemoryTape
  let addsInPlace: Bool
  /// Gradients of parameters go as soon as they are used.
  let dropsParameterGradients: Bool
  private var nodes: [Node] = []
  private var values: [ValueState] = []
  /// What is computed is not kept for the way back.
  private var savesNothing = false
  /// Gradients of parameters that wait for another one.
  private var waiting: [String: MemoryTape.Block] = [:]
  /// Those that are there.
  private var parameterGradients: [MemoryTape.Block] = []

  /// A tensor with a place in the graph.
  struct Value: Hashable {
    fileprivate let index: Int
  }

  private struct ValueState {
    var block: MemoryTape.Block?
    let isDifferentiable: Bool
    var gradient: MemoryTape.Block?
  }

  /// How an input's gradient comes about.
  enum Flow {
    /// New memory.
    case made(ScaledBytes)
    /// That of the output, as it is.
    case passed
  }

  private struct Node {
    let name: String
    let layer: String
    let output: Value
    let inputs: [(Value, Flow)]
    let saved: [MemoryTape.Block]
    let scratch: [ScaledBytes]
    let parameter: ParameterGradient?
    /// Of a checkpoint: what it is computed by.
    var again: ((_ x: Value, _ tape: inout TorchTape) -> Value)?
  }

  /// The gradient of a parameter that a node makes.
  struct ParameterGradient {
    let name: String
    let size: ScaledBytes
    /// Whether another node makes one of the same parameter before it is whole.
    var waits = false
  }

  init(_ memory: MemoryTape, addsInPlace: Bool, dropsParameterGradients: Bool) {
    self.memory = memory
    self.addsInPlace = addsInPlace
    self.dropsParameterGradients = dropsParameterGradients
  }

  // MARK: Forward

  /// A tensor that no node made.
  mutating func value(_ block: MemoryTape.Block, isDifferentiable: Bool) -> Value {
    values.append(ValueState(block: block, isDifferentiable: isDifferentiable, gradient: nil))
    return Value(index: values.count - 1)
  }

  func isDifferentiable(_ value: Value) -> Bool { values[value.index].isDifferentiable }

  /// One operation: its output begins to live, and what its way back needs is held.
  ///
  /// - Parameters:
  ///   - saved: tensors that the way back reads; the output may be among them by `savesOutput`.
  ///   - aside: what is saved besides, and belongs to nobody.
  ///   - scratch: lives while the operation runs; `backward` likewise on the way back.
  mutating func node(
    _ name: String, _ inputs: [(Value, Flow)], to size: ScaledBytes, saved: [Value] = [],
    savesOutput: Bool = false, aside: ScaledBytes? = nil, scratch: [ScaledBytes] = [],
    backward: [ScaledBytes] = [], parameter: ParameterGradient? = nil
  ) -> Value {
    var passing: [MemoryTape.Block] = []
    for size in scratch { passing.append(memory.allocate("\(name)'s scratch", .workspace, size)) }
    let block = memory.allocate(name, .activations, size)
    for one in passing { memory.release(one) }
    let isDifferentiable =
      parameter != nil || inputs.contains { values[$0.0.index].isDifferentiable }
    let output = value(block, isDifferentiable: isDifferentiable)
    guard isDifferentiable, !savesNothing else {
      // Without checkpoints what it has aside would live on; here it goes at once.
      if let aside { memory.pass("\(name)'s own", .activations, aside) }
      return output
    }
    var held = saved.compactMap { values[$0.index].block }
    if savesOutput { held.append(block) }
    for one in held { memory.hold(one) }
    if let aside { held.append(memory.allocate("\(name)'s own", .activations, aside)) }
    nodes.append(
      Node(
        name: name, layer: memory.layer, output: output,
        inputs: inputs.filter { values[$0.0.index].isDifferentiable }, saved: held,
        scratch: backward, parameter: parameter))
    return output
  }

  /// Nobody asks for the tensor by its name any more; the way back may still hold it.
  mutating func drop(_ value: Value) {
    guard let block = values[value.index].block else { return }
    memory.release(block)
    values[value.index].block = nil
  }

  // MARK: Checkpoints

  /// A layer of which only the input is kept; the rest is computed again when the way back comes to it.
  ///
  /// - Source: PyTorch's `torch/utils/checkpoint.py` with `use_reentrant=False`.
  mutating func checkpoint(
    _ x: Value, _ layer: @escaping (_ x: Value, _ tape: inout TorchTape) -> Value
  ) -> Value {
    let mark = nodes.count
    savesNothing = true
    let y = layer(x, &self)
    savesNothing = false
    nodes.removeSubrange(mark...)
    guard isDifferentiable(y) else { return y }
    let input = values[x.index].block
    if let input { memory.hold(input) }
    nodes.append(
      Node(
        name: "checkpoint", layer: memory.layer, output: y, inputs: [(x, .passed)],
        saved: input.map { [$0] } ?? [], scratch: [], parameter: nil, again: layer))
    return y
  }

  private mutating func recompute(
    _ node: Node, _ gradient: MemoryTape.Block,
    _ layer: (_ x: Value, _ tape: inout TorchTape) -> Value
  ) {
    for block in node.saved { memory.hold(block) }
    let x = values.count
    values.append(ValueState(block: node.saved.first, isDifferentiable: true, gradient: nil))
    let mark = nodes.count
    let y = layer(Value(index: x), &self)
    drop(y)
    values[y.index].gradient = gradient
    drop(Value(index: x))
    backward(to: mark)
    for block in node.saved { memory.release(block) }
    if let made = values[x].gradient, let (input, _) = node.inputs.first {
      hand(made, to: input, node.name)
    }
  }

  // MARK: Backward

  var mark: Int { nodes.count }

  /// Starts the way back: the gradient of a value.
  mutating func seed(_ value: Value, _ size: ScaledBytes) {
    values[value.index].gradient = memory.allocate("gradient", .workspace, size)
  }

  /// Goes back through the nodes after a mark.
  mutating func backward(to mark: Int) {
    while nodes.count > mark {
      let node = nodes.removeLast()
      memory.layer = node.layer
      run(node)
    }
  }

  private mutating func run(_ node: Node) {
    guard let gradient = values[node.output.index].gradient else {
      for block in node.saved { memory.release(block) }
      return
    }
    values[node.output.index].gradient = nil
    if let again = node.again { return recompute(node, gradient, again) }
    let name = "\(node.name)'s way back"
    let scratch = node.scratch.map { memory.allocate(name, .workspace, $0) }
    var made: [(Value, MemoryTape.Block)] = []
    for (input, flow) in node.inputs {
      switch flow {
      case .made(let size): made.append((input, memory.allocate(name, .workspace, size)))
      case .passed:
        memory.hold(gradient)
        made.append((input, gradient))
      }
    }
    let own = node.parameter.map { memory.allocate("gradients", .gradients, $0.size) }
    for block in scratch { memory.release(block) }
    memory.release(gradient)
    for block in node.saved { memory.release(block) }
    for (input, block) in made { hand(block, to: input, name) }
    if let own, let parameter = node.parameter { settle(own, parameter) }
  }

  private mutating func hand(_ block: MemoryTape.Block, to input: Value, _ name: String) {
    guard let there = values[input.index].gradient else {
      values[input.index].gradient = block
      return
    }
    guard !addsInPlace || memory.isShared(there) else {
      memory.release(block)
      return
    }
    values[input.index].gradient = sum(there, block, .workspace, name)
  }

  private mutating func sum(
    _ one: MemoryTape.Block, _ other: MemoryTape.Block, _ role: MemoryRole, _ name: String
  ) -> MemoryTape.Block {
    let sum = memory.allocate(name, role, memory.size(of: one))
    memory.release(one)
    memory.release(other)
    return sum
  }

  /// The engine adds what comes of one parameter before it becomes the parameter's gradient.
  private mutating func settle(_ block: MemoryTape.Block, _ parameter: ParameterGradient) {
    if parameter.waits {
      waiting[parameter.name] = block
      return
    }
    var whole = block
    if let there = waiting.removeValue(forKey: parameter.name) {
      if addsInPlace {
        memory.release(block)
        whole = there
      } else {
        whole = sum(there, block, .gradients, "gradient of \(parameter.name)")
      }
    }
    if dropsParameterGradients {
      memory.release(whole)
    } else {
      parameterGradients.append(whole)
    }
  }

  /// What `zero_grad` does.
  mutating func letGoOfParameterGradients() {
    for block in parameterGradients { memory.release(block) }
    parameterGradients = []
  }
}
