import Kernels
import Models
import Quantities

/// A model's weights as a step has them, each by the name that published files use. Where an adapter is trained,
/// they are frozen.
struct TrainingWeights {
  let embedding: Parameter
  let layers: [Layer]
  let lastGain: Parameter
  /// The embedding itself where they are tied.
  let logits: Parameter

  struct Layer {
    let attentionGain: Parameter
    let networkGain: Parameter
    let products: [ModelShape.Product: Parameter]

    subscript(product: ModelShape.Product) -> Parameter {
      guard let found = products[product] else { preconditionFailure("a layer has \(product)") }
      return found
    }
  }

  init(
    _ shape: ModelShape, _ weights: any ModelWeights, _ options: TrainingOptions,
    in ledger: MemoryLedger
  ) throws {
    let isTrained = options.adapter.adapter.isNone
    let masters = WeightFormat(options.precision.masters.elementType)
    func matrix(
      _ name: String, _ source: any MatrixSource, _ size: ModelShape.Matrix,
      _ format: WeightFormat
    ) throws -> Parameter {
      Parameter(
        name: name, tensor: try source.tensor(format, rows: size.n, in: ledger), format: format,
        isTrained: isTrained)
    }
    func gain(_ name: String, _ index: Int) throws -> Parameter {
      let tensor = try ledger.tensor(.fp32, [1, shape.hidden], .weights)
      if !tensor.isPlan {
        for column in 0..<shape.hidden { tensor.store(weights.gain(index, column), at: column) }
      }
      return Parameter(name: name, tensor: tensor, isTrained: isTrained)
    }
    embedding = try matrix(
      "model.embed_tokens.weight", weights.embedding, shape.vocabulary, masters)
    layers = try (0..<shape.layers).map { layer in
      var products: [ModelShape.Product: Parameter] = [:]
      for product in shape.products {
        products[product] = try matrix(
          "model.layers.\(layer).\(product.module).weight",
          weights.matrix(product, layer: layer), shape.matrix(product),
          isTrained ? masters : options.base)
      }
      return Layer(
        attentionGain: try gain("model.layers.\(layer).input_layernorm.weight", 2 * layer),
        networkGain: try gain(
          "model.layers.\(layer).post_attention_layernorm.weight", 2 * layer + 1),
        products: products)
    }
    lastGain = try gain("model.norm.weight", 2 * shape.layers)
    logits =
      shape.isTied
      ? embedding : try matrix("lm_head.weight", weights.logits, shape.vocabulary, masters)
  }
}

/// Makes an adapter's weights, each by the name that PEFT's files use.
struct AdapterMaker {
  let options: AdapterOptions
  let weights: any AdapterWeights
  let ledger: MemoryLedger

  func parameter(_ name: String, _ part: AdapterPart, rows: Int, columns: Int) throws -> Parameter {
    let tensor = try ledger.tensor(.fp32, [rows, columns], .adapters)
    if !tensor.isPlan {
      weights.fill(
        name, part, rows: rows, columns: columns, into: tensor.pointer(to: Float.self))
    }
    return Parameter(name: name, tensor: tensor, isTrained: true)
  }

  /// Beside a product of a layer, where it is a target.
  func lora(
    _ product: ModelShape.Product, layer: Int, _ size: ModelShape.Matrix, to graph: inout Graph,
    rows: Int
  ) throws -> LinearOperation.LoRA? {
    guard case .lora(let rank) = options.adapter, options.targets.contains(product) else {
      return nil
    }
    let name = Self.name(layer, product.module)
    return LinearOperation.LoRA(
      a: try parameter("\(name).lora_A.weight", .down, rows: rank, columns: size.k),
      b: try parameter("\(name).lora_B.weight", .up, rows: size.n, columns: rank),
      scale: options.scale,
      inner: graph.value("\(product) inner", layer: layer, .small, rows: rows, columns: rank),
      stream: LinearOperation.LoRA.stream(layer, product))
  }

  static func name(_ layer: Int, _ module: String) -> String {
    "base_model.model.model.layers.\(layer).\(module)"
  }
}
