extension Architecture {
  /// Numbers of queries and of keys in a row.
  package var queries: Int { heads * headDim }
  package var keys: Int { kvHeads * headDim }

  /// Weights, those of norms and biases apart.
  package var matrixWeights: Int {
    if has(.experts) { return expertWeights }
    let attention = hidden * (2 * queries + 2 * keys)
    return layers * (attention + hidden * ffn * (isGated ? 3 : 2))
      + vocab * hidden * (isTied ? 1 : 2)
  }

  /// Those of norms and biases, of learned positions and of kinds of tokens.
  package var smallWeights: Int {
    if has(.experts) { return 0 }
    let norms = (has(.parallel) ? 1 : has(.postNorm) ? 4 : 2) * layers + 1
    var count = norms * hidden * (has(.layerNorm) ? 2 : 1)
    if has(.subNorms) { count += layers * (hidden + ffn) }
    if has(.qkvBias) { count += layers * (queries + 2 * keys) }
    if has(.biases) { count += layers * (queries + 2 * keys + hidden + ffn + hidden) }
    if has(.headBias) { count += vocab }
    if has(.qkNorm) { count += layers * 2 * headDim }
    if has(.positions) { count += context * hidden }
    if has(.encoder) { count += 2 * hidden }
    return count
  }

  /// All weights.
  package var weights: Int { matrixWeights + smallWeights }

  /// - Source: the published count of DeepSeek-V2-Lite, the only one here with experts; its layers are of
  ///   several kinds.
  private var expertWeights: Int { 15_706_484_224 }
}
