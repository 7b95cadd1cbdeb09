package import Models

/// Bytes of a cache of keys and values.
package enum CacheMemory {
  /// - Parameters:
  ///   - tokens: that it has room for, of one sequence.
  ///   - window: layers keep no more than so many of them.
  ///   - padding: room is a multiple of so many tokens.
  package static func bytes(
    of model: Architecture, tokens: Int, sequences: Int = 1, keys: GGMLType, values: GGMLType,
    window: Int? = nil, padding: Int = 1
  ) -> Int {
    let room = (min(tokens, window ?? tokens) + padding - 1) / padding * padding
    let token =
      keys.bytes(of: model.kvHeads * model.headDim)
      + values.bytes(of: model.kvHeads * model.valueDim)
    return model.layers * room * token * sequences
  }
}

/// What llama.cpp allocates beside weights and cache on a processor.
///
/// - Source: llama.cpp's logs of its buffers: the graph's largest tensors are the logits of a micro-batch and the rows
///   that make them; without flash attention there are all weights of attention besides.
package enum LlamaCppMemory {
  package static func computeBuffer(
    of model: Architecture, microBatch: Int, context: Int, isFlash: Bool
  ) -> Int {
    let scores = isFlash ? 0 : 4 * microBatch * context * model.heads
    return 4 * microBatch * (model.vocab + model.hidden) + scores
  }

  /// What its graph may take besides: buffers for a micro-batch's positions and masks, and a context's own.
  static let slack = 128 << 20

  /// Logits of each sequence's last token.
  package static func outputBuffer(of model: Architecture, sequences: Int) -> Int {
    4 * model.vocab * sequences
  }

  /// What a file holds before its tensors: tokens and merges above all.
  ///
  /// - Source: the header of Llama 3's files has 7,835,936 bytes for 128,256 tokens.
  package static func header(of model: Architecture) -> Int { 61 * model.vocab }
}
