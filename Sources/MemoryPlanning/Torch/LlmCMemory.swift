import Models

/// Activations of a GPT-2 as llm.c keeps them on a processor, all in fp32 and all at once.
///
/// - Source: llm.c's `train_gpt2.c`, `fill_in_activation_sizes`: what it lists for a layer, and around the layers.
enum LlmCMemory {
  static func activations(of model: Architecture, batch: Int, tokens: Int) -> Int {
    let rows = batch * tokens
    let squares = rows * tokens * model.heads
    // Two norms, queries with keys and values, attention's output and its product, two sums, and the network.
    let layer =
      rows
      * (2 * model.hidden + 4 + 3 * model.hidden + 4 * model.hidden + 2 * model.ffn + model.hidden)
      + 2 * squares
    // Logits and probabilities; newer versions pad the vocabulary to 128.
    let around = rows * (model.hidden + model.hidden + 2 + 2 * model.vocab + 1)
    return 4 * (model.layers * layer + around)
  }
}
