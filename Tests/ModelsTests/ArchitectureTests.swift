import Models
import Testing

@Suite struct ArchitectureTests {
  /// Parameters as the models' own cards and checkpoints count them, less norms (and biases of the
  /// queries, keys and values of Qwen 2.5), by hand: llama-3-8b has 8,030,261,248, of which
  /// (2 · 32 + 1) · 4096 are norms' gains.
  @Test(arguments: [
    ("llama-3-8b", 8_030_261_248 - 65 * 4096), ("llama-3.2-1b", 1_235_814_400 - 33 * 2048),
    ("llama-3-70b", 70_553_706_496 - 161 * 8192), ("llama-2-7b", 6_738_415_616 - 65 * 4096),
    ("llama-2-70b", 68_976_648_192 - 161 * 8192), ("mistral-7b", 7_248_023_552 - 65 * 4096),
    ("tinyllama-1.1b", 1_100_048_384 - 45 * 2048), ("llama-3.2-3b", 3_212_749_824 - 57 * 3072),
    ("qwen2.5-0.5b", 494_032_768 - 49 * 896 - 24 * (896 + 256)),
    ("qwen2.5-7b", 7_615_616_512 - 57 * 3584 - 28 * (3584 + 1024)),
    // Each layer norms queries and keys besides.
    ("qwen3-0.6b", 596_049_920 - 57 * 1024 - 28 * 256),
    ("qwen3-8b", 8_190_735_360 - 73 * 4096 - 36 * 256),
    // Learned positions, biases, and norms with two vectors.
    ("gpt-2", 124_439_808 - 1024 * 768 - 25 * 2 * 768 - 12 * (9 * 768)),
  ])
  func `a model's shape has as many weights as its card says`(name: String, weights: Int) throws {
    let model = try #require(Architecture.all.first { $0.name == name })
    #expect(model.matrixWeights == weights)
  }

  @Test func `names are told apart, and heads share keys evenly`() {
    #expect(Set(Architecture.all.map(\.name)).count == Architecture.all.count)
    for model in Architecture.all { #expect(model.heads % model.kvHeads == 0) }
  }
}
