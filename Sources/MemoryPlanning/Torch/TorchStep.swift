package import Models
import Quantities

/// All that lives in a step of training under PyTorch: forward, loss, backward, and the update.
package struct TorchStep {
  private let model: Architecture
  private let options: TorchOptions
  private let block: TorchBlock

  package init(_ model: Architecture, _ options: TorchOptions) {
    self.model = model
    self.options = options
    block = TorchBlock(model: model, options: options)
  }

  private var width: Int { block.width }
  private var isTrained: Bool { options.adapter == .none }
  private func rows(_ columns: Int, _ bytes: Int) -> ScaledBytes { block.rows(columns, bytes) }

  /// - Parameter isExplained: whether each moment lists what it is made of.
  package func form(isExplained: Bool = false) -> StepForm {
    var tape = tape(MemoryTape(isExplained: isExplained))
    load(&tape.memory)
    forward(&tape, LayerStack(count: model.layers).places)
    tape.memory.layer = ""
    update(&tape.memory)
    return StepForm(moments: tape.memory.moments)
  }

  /// Everything that is allocated and let go of in two steps, tensor by tensor and layer by layer.
  func journal() -> [MemoryTape.Event] {
    var tape = tape(MemoryTape(isExplained: false, keepsJournal: true))
    loadEach(&tape.memory)
    for step in 0..<2 {
      forward(&tape, (0..<model.layers).map { LayerStack.Place(name: "layer \($0)", count: 1) })
      if step == 0 { keepStates(&tape.memory) }
      update(&tape.memory)
      tape.letGoOfParameterGradients()
    }
    return tape.memory.journal ?? []
  }

  private func tape(_ memory: MemoryTape) -> TorchTape {
    TorchTape(
      memory, addsInPlace: options.backend.addsInPlace,
      dropsParameterGradients: options.accumulation > 1 || options.updatesInBackward)
  }

  // MARK: What lives throughout

  private func load(_ memory: inout MemoryTape) {
    memory.phase = .load
    let weights = TorchWeights(model, options)
    memory.keep("weights", .weights, .fixed(weights.base))
    if weights.adapter > 0 { memory.keep("adapter", .adapters, .fixed(weights.adapter)) }
    memory.keep("optimizer's states", .optimizer, .fixed(weights.states))
    keepShared(&memory, weights)
  }

  private func keepShared(_ memory: inout MemoryTape, _ weights: TorchWeights) {
    if options.hasMasters {
      memory.keep("fp32 copies of weights", .optimizer, .fixed(4 * weights.trained))
    }
    if options.backend == .cuda {
      for _ in 0..<2 {
        memory.keep("cuBLAS's workspace", .workspace, .fixed(TorchConstants.matmulWorkspace / 2))
      }
    }
    // Tokens are 64-bit numbers.
    memory.keep("tokens", .activations, .each(.row, 8))
    if options.accumulation > 1 {
      memory.keep("gradients that add up", .gradients, .fixed(weights.gradients))
    }
  }

  /// Each tensor of weights by itself.
  private func loadEach(_ memory: inout MemoryTape) {
    let vocabulary = model.vocab * model.hidden * width
    for _ in 0..<(model.isTied ? 1 : 2) { memory.keep("weights", .weights, .fixed(vocabulary)) }
    for _ in 0..<model.layers {
      for product in model.products {
        let size = model.matrix(product)
        for bytes in options.base.tensors(of: size.count, width: width) {
          memory.keep("weights", .weights, .fixed(bytes))
        }
        guard let lora = options.adapter.lora(beside: product) else { continue }
        let own = options.isTransformers ? 4 : width
        for columns in [size.k, size.n] {
          memory.keep("adapter", .adapters, .fixed(lora.rank * columns * own))
        }
      }
      for _ in 0..<2 { memory.keep("weights", .weights, .fixed(model.hidden * width)) }
    }
    keepShared(&memory, TorchWeights(model, options))
  }

  /// Two states of each tensor that is trained.
  private func keepStates(_ memory: inout MemoryTape) {
    let weights = TorchWeights(model, options)
    let tensors = max(1, 2 * model.layers * model.products.count)
    for _ in 0..<tensors {
      memory.keep("optimizer's states", .optimizer, .fixed(weights.states / tensors))
    }
  }

  // MARK: Forward and back

  private func forward(_ tape: inout TorchTape, _ places: [LayerStack.Place]) {
    tape.memory.phase = .forward
    let start = tape.mark
    // Rope's cosines and sines are kept for all layers.
    tape.memory.keep("rope's table", .activations, .each(.token, 2 * model.headDim * width))
    if options.attention == .eager {
      tape.memory.keep("mask", .activations, .each(.square, width))
    }
    var x = embedding(&tape)
    var marks: [Int] = []
    for place in places {
      tape.memory.layer = place.name
      marks.append(tape.mark)
      if place.isPassed {
        tape.memory.keep("kept of layers between", .activations, keptOfLayer * place.count)
      } else {
        x = layer(x, &tape)
      }
    }
    tape.memory.layer = ""
    let head = tape.mark
    if options.checkpointing == .none { tape.memory.letGo("mask") }
    let logits = loss(x, &tape)
    tape.memory.phase = .backward
    tape.backward(to: head)
    for (place, mark) in zip(places, marks).reversed() {
      tape.memory.layer = place.name
      if place.isPassed { pass(place, &tape.memory, tape.dropsParameterGradients) }
      tape.backward(to: mark)
    }
    tape.memory.phase = .embedding
    tape.memory.layer = ""
    tape.backward(to: start)
    if let logits { tape.drop(logits) }
    for name in ["mask", "rope's table"] { tape.memory.letGo(name) }
  }

  private func embedding(_ tape: inout TorchTape) -> TorchTape.Value {
    let rows = rows(model.hidden, width)
    guard isTrained else {
      let block = tape.memory.allocate("embedding", .activations, rows)
      // Checkpoints, and PEFT with them, ask for the gradient of the first layer's input.
      return tape.value(
        block, isDifferentiable: options.checkpointing != .none || options.adapter == .frozen)
    }
    return tape.node("embedding", [], to: rows, parameter: vocabulary("embedding", waits: false))
  }

  private func vocabulary(_ name: String, waits: Bool) -> TorchTape.ParameterGradient {
    .init(name: name, size: .fixed(model.vocab * model.hidden * width), waits: waits)
  }

  /// A layer's output; its input is left to what its way back needs of it.
  private func layer(_ x: TorchTape.Value, _ tape: inout TorchTape) -> TorchTape.Value {
    let y =
      options.checkpointing == .layers
      ? tape.checkpoint(x, block.forward) : block.forward(x, &tape)
    tape.drop(x)
    return y
  }

  private var keptOfLayer: ScaledBytes {
    options.checkpointing == .layers
      ? rows(model.hidden, width) : TorchKept(model, options).growth
  }

  /// The way back of layers between the ends: what they kept is gone, and their gradients are there.
  private func pass(
    _ place: LayerStack.Place, _ memory: inout MemoryTape, _ dropsGradients: Bool
  ) {
    memory.letGo("kept of layers between")
    if dropsGradients { return }
    memory.keep(
      "gradients", .gradients,
      .fixed(TorchWeights(model, options).layerGradients * place.count))
  }

  // MARK: The loss

  /// Gives the logits where they live on.
  private func loss(_ x: TorchTape.Value, _ tape: inout TorchTape) -> TorchTape.Value? {
    let (h, vocab) = (model.hidden, model.vocab)
    let normed = block.norm(x, "last norm", &tape)
    tape.drop(x)
    tape.memory.phase = .loss
    let mark = tape.mark
    let head =
      isTrained ? vocabulary(model.isTied ? "embedding" : "logits", waits: model.isTied) : nil
    guard options.loss == .whole else {
      chunkedLoss(normed, head, &tape)
      return nil
    }
    let logits = tape.node(
      "logits", [(normed, .made(rows(h, width)))], to: rows(vocab, width),
      saved: isTrained ? [normed] : [], parameter: head)
    tape.drop(normed)
    let wide =
      width == 4
      ? logits
      : tape.node("logits in fp32", [(logits, .made(rows(vocab, width)))], to: rows(vocab, 4))
    let logarithms = tape.node(
      "log-softmax", [(wide, .made(rows(vocab, 4)))], to: rows(vocab, 4), savesOutput: true)
    if width != 4 { tape.drop(wide) }
    if !options.isTransformers { tape.drop(logits) }
    let loss = tape.node("loss", [(logarithms, .made(rows(vocab, 4)))], to: .fixed(4))
    tape.drop(logarithms)
    tape.seed(loss, .fixed(4))
    tape.drop(loss)
    tape.backward(to: mark)
    return options.isTransformers ? logits : nil
  }

  /// Logits of some rows at a time, their softmax, and their gradient; what is left is the gradient of the rows.
  private func chunkedLoss(
    _ x: TorchTape.Value, _ head: TorchTape.ParameterGradient?, _ tape: inout TorchTape
  ) {
    let (h, vocab) = (model.hidden, model.vocab)
    let some = ScaledBytes.each(.lossRow, vocab * 12)
    let mark = tape.mark
    let loss = tape.node(
      "chunked loss", [(x, .made(rows(h, width)))], to: .fixed(4), saved: [x], backward: [some],
      parameter: head)
    tape.drop(x)
    tape.seed(loss, .fixed(4))
    tape.backward(to: mark)
  }

  // MARK: The update

  private func update(_ memory: inout MemoryTape) {
    memory.phase = .optimizer
    let weights = TorchWeights(model, options)
    if options.hasMasters {
      memory.keep("gradients in fp32", .workspace, .fixed(4 * weights.trained))
    }
    let temporary: Int
    switch options.optimizer.temporaries {
    case .none: temporary = 0
    case .ofLargest: temporary = 2 * weights.largest
    case .ofAll: temporary = weights.trainedBytes
    }
    if options.updatesInBackward {
      memory.pass(
        "optimizer's temporaries", .workspace, .fixed(min(temporary, 2 * weights.largest)))
    } else {
      memory.pass("optimizer's temporaries", .workspace, .fixed(temporary))
    }
  }
}

/// Layers that are gone through one by one, and those between them, which are alike.
///
/// What lives grows or falls by the same bytes from layer to layer, so that its maximum is at one of the ends.
struct LayerStack {
  let count: Int

  /// A layer, or several that are passed as one.
  struct Place: Hashable {
    let name: String
    let count: Int
    /// Whether nothing of it is followed.
    var isPassed = false
  }

  var places: [Place] {
    let (first, last) = (Place(name: "first layer", count: 1), Place(name: "last layer", count: 1))
    if count == 1 { return [last] }
    return count == 2
      ? [first, last]
      : [first, Place(name: "layers between", count: count - 2, isPassed: true), last]
  }
}

/// What of a layer is kept for the way back.
struct TorchKept {
  let growth: ScaledBytes
  /// What its nodes hold when nobody else holds anything.
  let kept: ScaledBytes

  /// The growth of what lives from before a layer to after it.
  init(_ model: Architecture, _ options: TorchOptions) {
    var tape = TorchTape(
      MemoryTape(isExplained: false), addsInPlace: true, dropsParameterGradients: true)
    let block = TorchBlock(model: model, options: options)
    let input = tape.memory.allocate(
      "x", .activations, block.rows(model.hidden, block.width))
    let x = tape.value(input, isDifferentiable: true)
    let before = tape.memory.total
    let y = block.forward(x, &tape)
    tape.drop(x)
    growth = tape.memory.total - before
    tape.drop(y)
    kept = tape.memory.total
  }
}
