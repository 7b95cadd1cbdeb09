import Kernels
package import Models
import Quantities

/// A model, and how another program is asked to train it or to run it.
package struct ForeignSetting: Hashable, Sendable {
  package var model: Architecture
  package var isInference = false
  /// Whether it is llama.cpp that runs it.
  package var isLlamaCpp = false
  /// Whether it is llm.c that trains it.
  package var isLlmC = false
  package var torch = TorchOptions()
  package var weights = WeightScheme.plain(.bf16)
  package var vocabulary = VocabularyTypes()
  package var batch = 1
  package var tokens = 0
  /// How many parts the rows of the loss are cut into.
  package var lossChunks = 1
  /// Or so many of them at a time.
  package var lossRows: Int?
  package var parallel = ParallelSetting()
  /// Of a cache.
  package var context = 0
  package var cacheKeys = GGMLType.f16
  package var cacheValues = GGMLType.f16
  package var microBatch = 512
  package var isFlash = false
  /// Whether a processor packs a copy of the weights for itself.
  package var isRepacked = false
  /// What makes a formula here not right for it, in words.
  package var doubts: [String] = []
  /// Whether one of them is of the weights.
  package var hasDoubtfulWeights = false

  /// Every key that a setting may have.
  package static let keys = [
    "method", "mode", "base", "double_quant", "compute", "dtype", "master", "optimizer", "lora_r",
    "targets", "batch", "seq", "seq_max", "tokens", "new_tokens", "prompt", "generate", "attn",
    "ckpt", "loss", "chunked_ce", "opt_in_bwd", "act_offload", "packed", "compile", "dropout",
    "engine", "runtime", "device", "backend", "format", "quant", "bits", "group", "embed", "head",
    "token_embd", "output", "ctx", "kv", "ubatch", "flash", "mmap", "repack", "world", "tp", "pp",
    "sp", "cp", "fsdp", "zero", "offload", "offload_opt", "offload_param", "schedule", "recompute",
    "layers", "hidden", "ffn", "heads", "budget_gb", "budget_gib", "budget_mib", "accumulation",
    "window", "microbatches", "act_order",
  ]

  private static let known = Set(keys)

  /// - Throws: `SettingFault`.
  package init(_ model: Architecture, _ given: [String: String]) throws {
    self.model = model
    var values = SettingValues(given)
    if let key = given.keys.filter({ !Self.known.contains($0) }).min() {
      throw SettingFault.unknownKey(key, known: Self.keys)
    }
    try readRuntime(&values)
    try readMethod(&values)
    try readWeights(&values)
    try readBatch(&values)
    try readCache(&values)
    parallel = try ParallelSetting(&values)
    try check(&values)
    try checkSize()
  }

  // MARK: Reading

  private mutating func readRuntime(_ values: inout SettingValues) throws {
    let engine = values.text("engine") ?? values.text("runtime") ?? ""
    _ = values.text("runtime")
    if !engine.isEmpty { readEngine(engine) }
    isInference = try values.word("mode", ["inference": true, "training": false]) ?? false
    let device = values.text("device")
    let backend = values.text("backend")?.lowercased()
    if device != nil || backend == "cuda" {
      let isCPU = device?.lowercased() == "cpu" || backend == "cpu"
      torch.backend = isCPU ? .cpu : .cuda
    } else if backend == "cpu" {
      torch.backend = .cpu
    }
  }

  private mutating func readEngine(_ engine: String) {
    isLlamaCpp = engine.contains("llama.cpp")
    isLlmC = engine.contains("llm.c")
    torch.isTransformers = engine.contains("transformers") || engine.contains("peft")
    let known = ["llama.cpp", "llm.c", "transformers", "peft", "torch", "accelerate", "trl"]
    // PyTorch's name is in torchtune's, too.
    if engine.contains("torchtune") || !known.contains(where: engine.contains) {
      doubts.append("\(engine) has layers or kernels of its own")
    }
  }

  private mutating func readMethod(_ values: inout SettingValues) throws {
    let rank = try values.count("lora_r")
    let targets = try values.text("targets").map(Self.targets)
    let method = values.text("method") ?? (isInference ? "inference" : "full")
    func lora() -> PlannedAdapter.LoRA {
      PlannedAdapter.LoRA(
        rank: rank ?? 8, targets: targets ?? (torch.isTransformers ? [.q, .v] : [.q, .v]))
    }
    switch method {
    case "full", "inference": torch.adapter = .none
    case "frozen": torch.adapter = .frozen
    case "lora", "qlora": torch.adapter = .lora(lora())
    case "dora":
      var one = lora()
      one.hasMagnitudes = true
      torch.adapter = .lora(one)
      doubts.append("DoRA's norms of weights take time and memory that depends on the library")
    case "lora-fa":
      var one = lora()
      one.trainsDown = false
      torch.adapter = .lora(one)
    case "adapter", "adapter_v2", "llama-adapter", "prefix", "prompt", "p-tuning":
      torch.adapter = .small(weights: model.layers * 10 * model.hidden)
      doubts.append("\(method) is of its library's own size")
    default:
      throw SettingFault.unknownWord(
        key: "method", value: method,
        known: [
          "full", "lora", "qlora", "dora", "lora-fa", "frozen", "adapter", "adapter_v2",
          "llama-adapter", "prefix", "prompt", "p-tuning",
        ])
    }
    isQuantizedMethod = method == "qlora"
  }

  private var isQuantizedMethod = false

  /// Products from their letters, `q+k+v+o+g+u+d`, or a word for some.
  static func targets(_ text: String) throws -> Set<ModelShape.Product> {
    switch text {
    case "all": return Set(ModelShape.Product.allCases)
    case "attention": return [.q, .k, .v, .out]
    case "mlp": return [.gate, .up, .down]
    default: break
    }
    let letters: [String: ModelShape.Product] = [
      "q": .q, "k": .k, "v": .v, "o": .out, "g": .gate, "u": .up, "d": .down,
    ]
    return Set(
      try text.split(separator: "+").map { letter in
        guard let product = letters[String(letter)] else {
          throw SettingFault.unknownWord(
            key: "targets", value: text, known: ["q+v", "q+k+v+o", "attention", "mlp", "all"])
        }
        return product
      })
  }

  private static let types: KeyValuePairs<String, FloatFormat> = [
    "fp32": .fp32, "fp16": .fp16, "bf16": .bf16, "bf16-true": .bf16, "pure_bf16": .bf16,
    "f16": .fp16, "f32": .fp32,
  ]

  private mutating func readWeights(_ values: inout SettingValues) throws {
    let doubled = try values.flag("double_quant")
    let compute = try values.word("compute", Self.types)
    let dtype = try values.word("dtype", Self.types)
    let plain = dtype ?? compute ?? .bf16
    torch.dtype = plain
    torch.compute = compute ?? dtype ?? .bf16
    torch.hasMasters = try values.word("master", ["fp32": true, "bf16": false]) ?? false
    let base = values.text("base") ?? (isQuantizedMethod ? "nf4" : nil)
    switch base {
    case nil: weights = .plain(plain)
    case "nf4", "nf4-dq", "int4":
      let isDouble = doubled ?? (base == "nf4-dq")
      torch.base = .nf4(doubleQuantized: isDouble)
      weights = .nf4(doubleQuantized: isDouble, rest: isInference ? plain : .fp32)
    case "int8":
      torch.base = .int8
      weights = .int8(rest: isInference ? plain : .fp32)
    case "bf16-mixed", "fp16-mixed", "2bit":
      weights = .plain(.fp32)
      hasDoubtfulWeights = true
      doubts.append("weights in \(base ?? "") are cast as the program likes")
    case .some(let name):
      guard let type = Self.types.first(where: { $0.key == name })?.value else {
        throw SettingFault.unknownWord(
          key: "base", value: name,
          known: Self.types.map(\.key) + ["nf4", "nf4-dq", "int8", "2bit", "bf16-mixed"])
      }
      if isQuantizedMethod {
        throw SettingFault.contradiction(
          "QLoRA trains beside quantized weights, and base is \(name)",
          mend: "use base nf4, or method lora")
      }
      torch.dtype = type
      weights = .plain(type)
    }
    try readFile(&values)
    try readOptimizer(&values)
  }

  /// How weights are stored in a file.
  private mutating func readFile(_ values: inout SettingValues) throws {
    let format = values.text("format")
    let (bits, group) = (try values.count("bits"), try values.count("group"))
    let hasOrder = try values.flag("act_order") ?? false
    for key in ["embed", "token_embd"] {
      vocabulary.embedding = try Self.type(key, &values) ?? vocabulary.embedding
    }
    for key in ["head", "output"] {
      vocabulary.logits = try Self.type(key, &values) ?? vocabulary.logits
    }
    if let name = values.text("quant") {
      guard let mixture = GGUFMixture(name) else {
        throw SettingFault.unknownWord(key: "quant", value: name, known: GGUFMixture.names)
      }
      weights = .gguf(mixture)
    } else if format == "mlx" {
      weights = .affine(bits: bits ?? 4, group: group ?? 64)
    } else if format == "gptq" || format == "awq" || bits != nil {
      weights = .grouped(bits: bits ?? 4, group: group ?? 128, hasOrder: hasOrder)
    }
  }

  /// A type by the names that GGUF and other files give it.
  private static func type(_ key: String, _ values: inout SettingValues) throws -> GGMLType? {
    guard let text = values.text(key) else { return nil }
    let name = text.lowercased().replacing("fp", with: "f").replacing("float", with: "f")
    guard let type = GGMLType(rawValue: name) else {
      throw SettingFault.unknownWord(
        key: key, value: text, known: GGMLType.allCases.map(\.rawValue))
    }
    return type
  }

  /// Bytes of all tensors.
  package var weightBytes: Int {
    weights.bytes(of: model) + vocabulary.change(of: model, from: weights)
  }

  private mutating func readOptimizer(_ values: inout SettingValues) throws {
    let name = values.text("optimizer") ?? "adamw"
    guard var optimizer = PlannedOptimizer.named[name] else {
      throw SettingFault.unknownWord(
        key: "optimizer", value: name, known: PlannedOptimizer.named.keys.sorted())
    }
    // On a GPU PyTorch goes through all tensors at once.
    if torch.backend == .cuda, optimizer.temporaries == .ofLargest {
      optimizer.temporaries = .ofAll
    }
    torch.optimizer = optimizer
  }

  private mutating func readBatch(_ values: inout SettingValues) throws {
    batch = try values.count("batch") ?? 1
    let new = try values.count("new_tokens") ?? values.count("generate") ?? 0
    _ = values.text("generate")
    let prompt = try values.count("prompt")
    // The longest that was seen, where the sequence is only a limit.
    let longest = try values.count("seq_max")
    let given = try values.count("seq") ?? values.count("tokens")
    _ = values.text("tokens")
    tokens = longest ?? given ?? (prompt ?? 0) + new
    torch.attention =
      try values.word(
        "attn", ["eager": .eager, "sdpa": .fused, "flash": .fused, "flash2": .fused]) ?? .fused
    try readCheckpoints(&values)
    torch.accumulation = try values.count("accumulation") ?? 1
    torch.updatesInBackward = try values.flag("opt_in_bwd") ?? false
    let chunked = values.text("chunked_ce")
    let loss = values.text("loss") ?? ""
    if loss.contains("chunk") || loss.contains("fused") || (chunked ?? "0") != "0" {
      torch.loss = .chunked
      lossChunks = chunked.flatMap(Int.init).flatMap { (2..<1 << 24).contains($0) ? $0 : nil } ?? 8
    }
    for key in ["act_offload", "packed", "compile"] where try values.flag(key) == true {
      doubts.append("\(key) changes what is kept in ways that depend on the library")
    }
    if let dropout = try values.number("dropout"), dropout > 0 {
      doubts.append("masks of dropout are kept")
    }
  }

  private mutating func readCheckpoints(_ values: inout SettingValues) throws {
    let recompute = values.text("recompute")
    switch values.text("ckpt") ?? recompute ?? "0" {
    case "0", "none": torch.checkpointing = .none
    case "1", "full": torch.checkpointing = .layers
    case "selective":
      torch.checkpointing = .none
      torch.attention = .fused
    case let other: doubts.append("checkpoints of kind \(other)")
    }
  }

  private mutating func readCache(_ values: inout SettingValues) throws {
    context = try values.count("ctx") ?? 0
    if let text = values.text("kv") {
      let names = text.split(whereSeparator: { $0 == ":" || $0 == "/" || $0 == "+" }).map(
        String.init)
      let types = try names.map { name in
        guard let type = GGMLType(rawValue: name.lowercased().replacing("fp", with: "f")) else {
          throw SettingFault.unknownWord(
            key: "kv", value: text,
            known: ["f16", "f32", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"])
        }
        return type
      }
      if let first = types.first { (cacheKeys, cacheValues) = (first, types.last ?? first) }
    }
    microBatch = try values.count("ubatch") ?? 512
    isFlash = try values.flag("flash") ?? false
    _ = values.text("mmap")
    isRepacked = try values.flag("repack") ?? false
    if let window = try values.count("window") {
      guard context == 0 || window <= context else {
        throw SettingFault.contradiction(
          "a window of \(window) tokens is larger than the context of \(context)",
          mend: "use a window of up to \(context)")
      }
      self.window = window
    }
  }

  package var window: Int?

  private mutating func check(_ values: inout SettingValues) throws {
    for key in ["budget_gb", "budget_gib", "budget_mib", "layers", "hidden", "ffn", "heads"] {
      _ = values.text(key)
    }
    if parallel.zero == 3, parallel.world == 1 {
      throw SettingFault.contradiction(
        "ZeRO 3 shares weights among devices, and there is one",
        mend: "give world, the number of devices, or zero 0")
    }
  }

  /// How many of each unit a step has.
  package var counts: BatchCounts {
    let rows = batch * tokens
    let cut = lossChunks > 1 ? (rows + lossChunks - 1) / lossChunks : nil
    return BatchCounts(batch: batch, tokens: tokens, lossRows: lossRows ?? cut)
  }
}

extension PlannedOptimizer {
  /// By the names that scripts give them.
  ///
  /// - Source: PyTorch's `torch.optim` for numbers of states; bitsandbytes keeps two bytes and shares scales among 256.
  static let named: [String: PlannedOptimizer] = {
    func one(_ bytes: StateBytes, _ temporaries: Temporaries = .ofLargest) -> PlannedOptimizer {
      PlannedOptimizer(stateBytes: bytes, block: nil, temporaries: temporaries)
    }
    let eight = PlannedOptimizer(stateBytes: .fixed(2), block: 256, temporaries: .none)
    var paged = one(.fixed(8), .none)
    paged.isPaged = true
    var pagedEight = eight
    pagedEight.isPaged = true
    return [
      "adamw": one(.numbers(2)), "adam": one(.numbers(2)), "adamw_fp32": one(.fixed(8)),
      "adam_mixed": one(.fixed(12)), "adamw_bf16": one(.fixed(4)),
      "adamw_foreach": one(.numbers(2), .ofAll), "adamw_fused": one(.numbers(2), .none),
      "adamw_8bit": eight, "adam8bit": eight, "paged_adamw_8bit": pagedEight,
      "paged_adamw": paged, "sgd": one(.fixed(0), .none), "sgd_momentum": one(.numbers(1), .none),
      "momentum": one(.numbers(1), .none),
    ]
  }()
}
