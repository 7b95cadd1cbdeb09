package import Models
package import Quantities

/// How PyTorch is asked to do a step, as far as its memory depends on it.
package struct TorchOptions: Hashable, Sendable {
  /// What weights that are plain are stored in, and activations with them.
  package var dtype = FloatFormat.bf16
  package var base = Base.plain
  /// In what products with quantized weights are computed.
  package var compute = FloatFormat.bf16
  package var adapter = PlannedAdapter.none
  package var attention = Attention.fused
  package var checkpointing = Checkpoints.none
  package var backend = Backend.counted
  /// Whether the model is Hugging Face's, with adapters of PEFT: logits live to the end of the way back, and an
  /// adapter gets its input in fp32.
  package var isTransformers = false
  package var optimizer = PlannedOptimizer.adamw
  package var loss = Loss.whole
  package var accumulation = 1
  package var updatesInBackward = false
  /// Whether weights in 16 bits have a copy in fp32, which is what is updated.
  package var hasMasters = false

  package init() {}

  /// How the products of the layers are stored.
  package enum Base: Hashable, Sendable {
    case plain
    case nf4(doubleQuantized: Bool)
    case int8
  }

  package enum Attention: String, CaseIterable, Hashable, Sendable {
    /// All weights of attention in memory.
    case eager
    /// None of them.
    case fused
  }

  package enum Checkpoints: Hashable, Sendable {
    case none
    /// What each layer is given is kept, and nothing else.
    case layers
  }

  package enum Loss: Hashable, Sendable {
    case whole
    /// So many rows at a time; their gradients are made at once.
    case chunked
  }

  /// Where it runs, as far as memory differs.
  package enum Backend: String, Hashable, Sendable {
    /// As PyTorch counts under `FakeTensorMode` on a processor: gradients that meet are added to new memory.
    case counted
    case cpu
    case cuda

    var addsInPlace: Bool { self != .counted }
  }
}

/// What is trained beside a model.
package enum PlannedAdapter: Hashable, Sendable {
  /// The model itself is.
  case none
  /// Nothing at all: a gradient goes through.
  case frozen
  case lora(LoRA)
  /// So many numbers that have gradients and states, and keep little of the rows.
  case small(weights: Int)

  package struct LoRA: Hashable, Sendable {
    package var rank: Int
    package var targets: Set<ModelShape.Product>
    /// DoRA's: a magnitude for each output.
    package var hasMagnitudes = false
    /// Not so in LoRA-FA, which keeps its narrow input alone.
    package var trainsDown = true

    package init(rank: Int, targets: Set<ModelShape.Product>) {
      self.rank = rank
      self.targets = targets
    }

    /// Numbers beside the products of one layer.
    func weights(of model: Architecture) -> Int {
      model.products.filter(targets.contains).map(model.matrix).reduce(0) {
        $0 + rank * ($1.n + $1.k) + (hasMagnitudes ? $1.n : 0)
      }
    }
  }

  func lora(beside product: ModelShape.Product) -> LoRA? {
    if case .lora(let lora) = self, lora.targets.contains(product) { lora } else { nil }
  }
}

/// An optimizer, as far as memory depends on it.
package struct PlannedOptimizer: Hashable, Sendable {
  /// Bytes that it keeps of each number that is trained, those of scales of blocks apart.
  package var stateBytes: StateBytes
  /// Blocks of so many numbers share an fp32 scale for each of two states.
  package var block: Int?
  package var temporaries: Temporaries
  /// States live in the host's memory, and come when there is room.
  package var isPaged = false

  package enum StateBytes: Hashable, Sendable {
    case fixed(Int)
    /// So many numbers, each as wide as the weight.
    case numbers(Int)
  }

  /// What a step holds besides.
  package enum Temporaries: Hashable, Sendable {
    case none
    /// Two numbers of each weight of the largest tensor.
    case ofLargest
    /// A number of each weight.
    case ofAll
  }

  package static let adamw = PlannedOptimizer(
    stateBytes: .numbers(2), block: nil, temporaries: .ofLargest)
}
