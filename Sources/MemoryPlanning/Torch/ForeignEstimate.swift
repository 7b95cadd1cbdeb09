import Models
import Quantities

/// What another program takes, as an interval where constants are not known here.
struct ForeignEstimate {
  private let setting: ForeignSetting

  init(_ setting: ForeignSetting) { self.setting = setting }

  private typealias Estimate = KnownQuantity.Estimate
  private var model: Architecture { setting.model }
  private var torch: TorchWeights { TorchWeights(model, setting.torch) }

  /// A Llama's layers are what the tape follows.
  private func checkLayers() throws {
    if let doubt = setting.doubts.first { throw SettingFault.inexpressible(doubt) }
    if model.mlp != "swiglu" || model.has(.layerNorm) || model.has(.latent) || model.has(.experts) {
      throw SettingFault.inexpressible("the layers of \(model.name) are no Llama's")
    }
    guard setting.tokens > 0 else {
      throw SettingFault.missing(key: "seq", why: "activations depend on it")
    }
  }

  // MARK: States

  /// Weights and what is trained beside them, before the first step.
  func resident() throws -> KnownQuantity.Estimate {
    if let doubt = setting.doubts.first { throw SettingFault.inexpressible(doubt) }
    let bytes = Double(torch.base + torch.adapter)
    // Small blocks are rounded up, and what loading leaves is not given back.
    return Estimate(bytes, high: bytes + Double(TorchConstants.leftOfLoading))
  }

  /// On one device; what is gathered of others' weights is no state.
  var statesPerDevice: Int {
    SharedStates.perDevice(
      weights: torch.base + torch.adapter, gradients: torch.gradients,
      optimizer: torch.states + (setting.torch.hasMasters ? 4 * torch.trained : 0), largest: 0,
      setting.parallel)
  }

  /// The same on one device.
  var statesAlone: Int {
    torch.base + torch.adapter + torch.gradients + torch.states
      + (setting.torch.hasMasters ? 4 * torch.trained : 0)
  }

  var statesOnHost: Int {
    SharedStates.onHost(
      weights: torch.base + torch.adapter, optimizer: torch.states, setting.parallel)
  }

  /// What is gathered of others' weights, and may be gathered ahead.
  var gathered: Int {
    setting.parallel.zero == 3 && model.layers > 1 ? 2 * torch.base / model.layers : 0
  }

  // MARK: A step

  func form(isExplained: Bool = false) throws -> StepForm {
    try checkLayers()
    return TorchStep(model, setting.torch).form(isExplained: isExplained)
  }

  func peak() throws -> KnownQuantity.Estimate {
    if setting.isInference { return try inference() }
    return ForeignForms(setting, try form()).range(at: setting)
  }

  func kept() throws -> KnownQuantity.Estimate {
    try checkLayers()
    if setting.torch.checkpointing == .layers {
      return Estimate(
        Double(setting.counts.rows * model.hidden * setting.torch.plainWidth))
    }
    return Estimate(Double(TorchKept(model, setting.torch).kept.bytes(at: setting.counts)))
  }

  func activations() throws -> KnownQuantity.Estimate {
    if model.has(.layerNorm) {
      // Megatron's and llm.c's layers are those that the formulas are of.
      if let doubt = setting.doubts.first(where: {
        !$0.contains("dropout") && !$0.contains("megatron")
      }) {
        throw SettingFault.inexpressible(doubt)
      }
      guard setting.tokens > 0 else {
        throw SettingFault.missing(key: "seq", why: "activations depend on it")
      }
      if setting.isLlmC {
        return Estimate(
          Double(
            LlmCMemory.activations(of: model, batch: setting.batch, tokens: setting.tokens)))
      }
      let layer = SharedActivations.perLayer(
        of: model, batch: setting.batch, tokens: setting.tokens, setting.parallel)
      return Estimate(layer * Double(model.layers) * setting.parallel.inFlight)
    }
    let peak = try peak()
    let rest = Double(torch.base + torch.adapter + torch.gradients + torch.states)
    return Estimate(peak.best - rest, low: peak.low - rest, high: peak.high - rest)
  }

  // MARK: A process

  /// What the allocator holds, which is more than what lives.
  func reserved() throws -> KnownQuantity.Estimate {
    let peak = try peak()
    guard setting.torch.backend == .cuda, !setting.isInference else { return peak }
    // It gives back what it keeps before it fails: only what lives is needed at the least.
    let held = Double(
      CachingAllocator.reserved(
        by: TorchStep(model, setting.torch).journal(), at: setting.counts))
    return Estimate(held, low: peak.low, high: max(held, peak.high) * 1.1)
  }

  func process() throws -> KnownQuantity.Estimate {
    let reserved = try reserved()
    guard setting.torch.backend == .cuda else { return reserved }
    let context = Double(TorchConstants.context)
    return Estimate(
      reserved.best + context, low: reserved.low + context / 2, high: reserved.high + 4 * context)
  }

  /// Weights, a cache, and rows on their way through.
  private func inference() throws -> KnownQuantity.Estimate {
    let parts = try inferenceParts()
    let best = Double(parts.terms.reduce(0) { $0 + $1.bytes })
    return Estimate(best, high: best + Double(parts.slack))
  }

  /// One thing that lives while a model runs.
  struct Part {
    let name: String
    let role: MemoryRole
    let bytes: Int
    let formula: String
  }

  /// - Returns: what lives, and what may live besides.
  func inferenceParts() throws -> (terms: [Part], slack: Int) {
    if let doubt = setting.doubts.first { throw SettingFault.inexpressible(doubt) }
    let tokens = max(1, setting.tokens, setting.context)
    let cache = CacheMemory.bytes(
      of: model, tokens: tokens, sequences: setting.batch, keys: setting.cacheKeys,
      values: setting.cacheValues, window: setting.window)
    let weights = setting.weightBytes
    var terms = [
      Part(
        name: "weights", role: .weights, bytes: weights,
        formula: "\(setting.weights.words) × \(model.weights) weights"),
      Part(
        name: "KV cache", role: .kvCache, bytes: cache,
        formula:
          "\(model.layers) layers × \(tokens) tokens × \(model.kvHeads) heads × "
          + "(\(model.headDim) in \(setting.cacheKeys) + \(model.valueDim) in \(setting.cacheValues))"
          + " × \(setting.batch)"),
    ]
    guard setting.isLlamaCpp else {
      let rows = setting.batch * tokens * (4 * model.hidden + 3 * model.ffn) * 2
      terms.append(
        Part(
          name: "rows of a prompt", role: .activations, bytes: rows,
          formula: "2 B × \(setting.batch * tokens) rows × (4 × hidden + 3 × ffn)"))
      return (terms, cache + 4 * setting.batch * tokens * model.vocab)
    }
    let micro = min(setting.microBatch, tokens)
    terms.append(
      Part(
        name: "compute buffer", role: .workspace,
        bytes: LlamaCppMemory.computeBuffer(
          of: model, microBatch: micro, context: tokens, isFlash: setting.isFlash),
        formula: "4 B × \(micro) rows × (vocab + hidden"
          + (setting.isFlash ? ")" : " + \(tokens) tokens × \(model.heads) heads)")))
    terms.append(
      Part(
        name: "logits", role: .activations,
        bytes: LlamaCppMemory.outputBuffer(of: model, sequences: setting.batch),
        formula: "4 B × vocab × \(setting.batch)"))
    // A copy of weights that a processor packs for itself, where it is said to; else scratch of the graph.
    return (terms, setting.isRepacked ? weights : cache / 8 + LlamaCppMemory.slack)
  }

  /// States and activations, however they are shared.
  func total() throws -> KnownQuantity.Estimate {
    if setting.isInference { return try inference() }
    if !setting.parallel.isAlone { return Estimate(Double(statesPerDevice)) }
    if setting.tokens == 0 {
      return Estimate(Double(torch.base + torch.adapter + torch.gradients + torch.states))
    }
    return try peak()
  }
}

/// The form of a step's peak, and that of what it is at the least.
package struct ForeignForms: Sendable {
  let best: StepForm
  /// Where gradients that meet are added in place, as they are outside `FakeTensorMode`.
  private let least: StepForm?

  init(_ setting: ForeignSetting, _ best: StepForm) {
    self.best = best
    var other = setting.torch
    other.backend = .cpu
    least =
      setting.torch.backend == .counted ? TorchStep(setting.model, other).form() : nil
  }

  func range(at setting: ForeignSetting) -> KnownQuantity.Estimate {
    let counts = setting.counts
    let peak = Double(best.peak(at: counts))
    // Tables of positions and masks may be made again in each layer, or not at all.
    let tables = Double(setting.tokens * (2 * setting.model.headDim + setting.tokens) * 4)
    if let least {
      return .init(peak, low: Double(least.peak(at: counts)) - tables, high: peak + tables)
    }
    let workspace =
      setting.torch.backend == .cuda ? Double(TorchConstants.matmulWorkspace) : 0
    return .init(peak, low: peak - workspace, high: peak + Double(TorchConstants.leftOfLoading))
  }
}
