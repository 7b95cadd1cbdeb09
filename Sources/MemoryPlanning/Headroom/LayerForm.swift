import Kernels
import Models
import Quantities

/// The axes of a transformer's layers.
struct LayerForm {
  let shape: ModelShape
  let format: WeightFormat

  /// - Parameters:
  ///   - layers: how many.
  ///   - vocab: 0 for layers alone.
  init(_ values: FormValues, layers: Int, vocab: Int, isTied: Bool) throws {
    shape = ModelShape(
      layers: layers, hidden: try values.count("hidden"), ffn: try values.count("ffn"),
      heads: try values.count("heads"), kvHeads: try values.count("kv-heads"),
      headDim: try values.count("head-dim"), vocab: vocab, isTied: isTied,
      mlp: try values.word("mlp"))
    format = .usual(try values.word("format"))
    try AttentionHeads.check(heads: shape.heads, kvHeads: shape.kvHeads)
    let threads = values.threads
    try values.check(
      [shape.heads, shape.headDim, threads], [shape.hidden, threads], [shape.ffn, threads],
      [layers, shape.hidden, shape.heads, shape.headDim], [layers, shape.hidden, shape.ffn],
      [vocab, shape.hidden], [shape.headDim, 1 << 12, threads])
    let queries = shape.heads * shape.headDim
    for (axis, k) in [("hidden", shape.hidden), ("ffn", shape.ffn), ("head-dim", queries)] {
      try StoredWeights.check(length: k, of: format, axis: axis)
    }
  }
}

extension FormValues {
  /// Throws where a transformer's rows or its cache are larger than any memory.
  func check(_ run: DecoderRun, _ shape: ModelShape) throws {
    let (tokens, width) = (
      run.longest + 256, shape.heads * shape.headDim + shape.hidden + shape.ffn
    )
    try check(
      [run.batch, 1 << 32], [run.batch, tokens, width],
      [run.batch, tokens, shape.layers, shape.kvHeads, shape.headDim],
      [run.batch, shape.vocab], [tokens, shape.heads, shape.headDim, max(run.batch, threads)],
      [tokens, shape.heads, max(run.batch, threads)])
  }
}
