import Kernels
import Models
import Quantities

extension StepStructure {
  /// From the axes of `training-step`, by their names in suites; those that are left out are as there.
  ///
  /// - Throws: `SettingFault`.
  package init(axes: [String: String]) throws {
    var values = SettingValues(axes)
    self.init(try Self.shape(&values))
    isNaive = try values.word("attention", ["tiled": false, "naive": true]) ?? false
    checkpointing = try Self.kept(&values, layers: shape.layers)
    loss = try Self.loss(&values)
    try readPrecision(&values)
    optimizer =
      try values.word(
        "optimizer", ["adamw": .adamw, "adamw8": .adamw8, "sgd": .sgd, "momentum": .momentum])
      ?? .adamw
    updatesInBackward =
      try values.word("update", ["separate": false, "in-backward": true]) ?? false
    accumulates = (try values.count("accumulation") ?? 1) > 1
    measuresNorm = measuresNorm || (values.text("clip") ?? "none") != "none"
    try readAdapter(&values)
    isRotated = (values.text("rope") ?? "neox") != "none"
  }

  private static func shape(_ values: inout SettingValues) throws -> ModelShape {
    func count(_ key: String, _ values: inout SettingValues) throws -> Int {
      guard let number = try values.count(key), number > 0 else {
        throw SettingFault.missing(key: key, why: "a model's shape needs it")
      }
      return number
    }
    let layers = try count("layers", &values)
    let hidden = try count("hidden", &values)
    let ffn = try count("ffn", &values)
    let heads = try count("heads", &values)
    let kvHeads = try count("kv-heads", &values)
    let headDim = try count("head-dim", &values)
    let vocab = try count("vocab", &values)
    return ModelShape(
      layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim,
      vocab: vocab, isTied: try values.word("tied", ["yes": true, "no": false]) ?? false,
      mlp: .swiglu)
  }

  /// The number of `name(number)`.
  private static func number(in text: String, called name: String) -> Int? {
    guard text.hasPrefix("\(name)("), text.hasSuffix(")") else { return nil }
    return Int(text.dropFirst(name.count + 1).dropLast()).flatMap { $0 > 0 ? $0 : nil }
  }

  private static func kept(_ values: inout SettingValues, layers: Int) throws -> Kept {
    let text = values.text("checkpointing") ?? "none"
    switch text {
    case "none": return .all
    case "pointwise": return .pointwise
    case "attention": return .attention
    case "block": return .block
    case "sqrt": return .segments(max(1, Int(Double(layers).squareRoot().rounded())))
    default: break
    }
    if let count = number(in: text, called: "layers") { return .layers(min(layers, count)) }
    if let count = number(in: text, called: "segments") { return .segments(min(layers, count)) }
    if text.hasPrefix("budget("), text.hasSuffix(")"),
      let bytes = Bytes(String(text.dropFirst("budget(".count).dropLast()))
    {
      return .budget(bytes.count)
    }
    throw SettingFault.unknownWord(
      key: "checkpointing", value: text,
      known: [
        "none", "pointwise", "attention", "block", "sqrt", "layers(4)", "segments(4)",
        "budget(1GiB)",
      ])
  }

  private static func loss(_ values: inout SettingValues) throws -> LinearCrossEntropy.Chunks {
    let text = values.text("loss") ?? "whole"
    if text == "whole" { return .whole }
    if let count = number(in: text, called: "tokens") { return .tokens(count) }
    if let count = number(in: text, called: "vocabulary") { return .vocabulary(count) }
    throw SettingFault.unknownWord(
      key: "loss", value: text, known: ["whole", "tokens(512)", "vocabulary(8192)"])
  }

  private mutating func readPrecision(_ values: inout SettingValues) throws {
    let text = values.text("precision") ?? "fp32"
    switch text {
    case "fp32": break
    case "bf16": activations = .bf16
    case "fp16":
      activations = .fp16
      // Scaled gradients may overflow, which their norm tells.
      measuresNorm = true
    case "bf16-pure": (activations, masters) = (.bf16, .bf16)
    default:
      throw SettingFault.unknownWord(
        key: "precision", value: text, known: ["fp32", "bf16", "fp16", "bf16-pure"])
    }
  }

  private mutating func readAdapter(_ values: inout SettingValues) throws {
    let targets: Set<ModelShape.Product> =
      try values.word(
        "targets",
        [
          "all": Set(ModelShape.Product.allCases), "attention": [.q, .k, .v, .out],
          "mlp": [.gate, .up, .down], "q+v": [.q, .v],
        ]) ?? Set(ModelShape.Product.allCases)
    let drops = (try values.number("dropout") ?? 0) > 0
    let text = values.text("adapter") ?? "none"
    if text == "ia3" {
      adapter = .ia3
    } else if let rank = Self.number(in: text, called: "lora") {
      adapter = .lora(rank: rank, targets: targets, drops: drops)
    } else if let tokens = Self.number(in: text, called: "prefix") {
      adapter = .prefix(tokens)
    } else if let width = Self.number(in: text, called: "bottleneck") {
      adapter = .bottleneck(width)
    } else if text != "none" {
      throw SettingFault.unknownWord(
        key: "adapter", value: text,
        known: ["none", "lora(8)", "prefix(16)", "bottleneck(64)", "ia3"])
    }
    let name = values.text("base") ?? "fp32"
    guard let type = ElementType(rawValue: name) else {
      throw SettingFault.unknownWord(
        key: "base", value: name, known: ElementType.allCases.map(\.rawValue))
    }
    base = type
  }
}
