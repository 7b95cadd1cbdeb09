import Models

/// The numbers of a setting, multiplied as its bytes are: no sum of bytes may pass 64 bits.
///
/// It is a bound and no estimate: every layer keeps every row of every width, and all scores of attention.
struct SettingSize {
  var layers = 1
  var hidden = 1
  /// The other widths of a layer, added up, and the numbers of an adapter.
  var widths: [Int] = []
  var heads = 1
  var vocab = 1
  /// Sequences of all micro-batches, as factors.
  var sequences: [Int] = []
  var tokens = 1
  /// Rows that lie beside a sequence's own in its cache.
  var prefix = 0
  var bits = 1
  var threads = 1

  /// More layers than any model has: where each layer is followed by itself, time grows with them.
  static let mostLayers = 1 << 12
  /// More than any machine has.
  static let mostThreads = 1 << 14
  private static let limit = 0x1p62
  /// Bytes of a number, times what lives of it at one time: itself, its gradient, states and packed copies.
  private static let bytesOfNumber = 64.0
  /// Numbers that a thread packs of each column.
  private static let panel = 256.0

  /// - Throws: `SettingFault` where 64 bits might not count its bytes.
  func check() throws {
    let columns = widths.reduce(Double(hidden)) { $0 + Double($1) }
    let (layers, vocab, tokens) = (Double(layers), Double(vocab), Double(tokens) + 32)
    let sequences = sequences.reduce(1) { $0 * Double($1) }
    let weights = columns * (layers * columns + vocab) * max(1, Double(bits) / 16)
    let kept = sequences * tokens * (layers * columns + vocab)
    let reach = tokens + Double(prefix)
    let scores = reach * reach * (1 + sequences * layers * Double(heads))
    let packed = Double(threads) * (columns + vocab + reach) * Self.panel
    guard (weights + kept + scores + packed) * Self.bytesOfNumber < Self.limit else {
      throw SettingFault.tooLarge
    }
  }
}

extension StepMemory {
  /// - Throws: `SettingFault` where 64 bits might not count the step's bytes.
  static func check(
    _ structure: StepStructure, batch: Int, tokens: Int, accumulation: Int, threads: Int
  ) throws {
    let shape = structure.shape
    var size = SettingSize(
      layers: shape.layers, hidden: shape.hidden, heads: shape.heads, vocab: shape.vocab,
      sequences: [batch, accumulation], tokens: tokens, threads: threads)
    let (heads, keys) = (Double(shape.heads), 2 * Double(shape.kvHeads))
    let width = (heads + keys) * Double(shape.headDim)
    guard width < 0x1p52, (1...SettingSize.mostThreads).contains(threads) else {
      throw SettingFault.tooLarge
    }
    size.widths = [shape.ffn, Int(width)]
    switch structure.adapter {
    case .none, .ia3: break
    case .lora(let count, _, _), .bottleneck(let count): size.widths.append(count)
    case .prefix(let count):
      size.widths.append(count)
      size.prefix = count
    }
    try size.check()
    switch structure.checkpointing {
    case .segments, .budget:
      guard shape.layers <= SettingSize.mostLayers else { throw SettingFault.tooLarge }
    default: break
    }
  }
}

extension ForeignSetting {
  /// - Throws: `SettingFault` where 64 bits might not count its bytes.
  func checkSize() throws {
    var size = SettingSize(
      layers: model.layers, hidden: model.hidden, heads: model.heads, vocab: model.vocab,
      sequences: [batch, max(1, torch.accumulation)],
      tokens: max(tokens, context, microBatch, lossChunks))
    size.widths = [model.ffn, (model.heads + 2 * model.kvHeads) * model.headDim]
    if case .lora(let lora) = torch.adapter { size.widths.append(lora.rank) }
    switch weights {
    case .grouped(let bits, _, _), .affine(let bits, _): size.bits = bits
    default: break
    }
    guard model.layers <= SettingSize.mostLayers else { throw SettingFault.tooLarge }
    try size.check()
  }
}
