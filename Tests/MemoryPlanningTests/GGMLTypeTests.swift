import Foundation
import MemoryPlanning
import Models
import Testing

/// `Golden/ggml-sizes.json`: what the `gguf` package knows of each type, and the bytes of a tensor that it wrote.
@Suite struct GGMLTypeTests {
  struct Size: Decodable {
    let numbers, bytes, rows, columns, tensor: Int
  }

  static let sizes: [String: Size] = {
    guard let url = Bundle.module.url(forResource: "ggml-sizes", withExtension: "json"),
      let data = try? Data(contentsOf: url),
      let sizes = try? JSONDecoder().decode([String: Size].self, from: data)
    else { return [:] }
    return sizes
  }()

  @Test(arguments: GGMLType.allCases)
  func `a block and a tensor have the bytes that the gguf package writes`(type: GGMLType) throws {
    let size = try #require(Self.sizes[type.rawValue])
    #expect(type.block == (size.bytes, size.numbers))
    #expect(type.bytes(rows: size.rows, columns: size.columns) == size.tensor)
  }

  @Test(arguments: GGUFMixture.names)
  func `a mixture of fewer bits is never larger than fp16, and never empty`(name: String) throws {
    let mixture = try #require(GGUFMixture(name))
    for model in Architecture.all where !model.has(.experts) && !model.has(.latent) {
      let bytes = mixture.bytes(of: model)
      #expect(bytes > model.weights / 8)
      if name != "F32" { #expect(bytes <= 2 * model.weights + 4 * model.smallWeights) }
    }
  }

  /// A file of Q4_K_M whose rows are no multiples of 256, as of SmolLM2-135M, falls back to blocks of 32.
  @Test func `rows that are no whole blocks fall back`() throws {
    let model = try #require(Architecture.named("smollm2-135m"))
    let mixture = try #require(GGUFMixture("Q4_K_S"))
    #expect(mixture.type(of: .product(.q), layer: 10, in: model) == .q5_0)
    #expect(mixture.type(of: .product(.down), layer: 10, in: model) == .q4_k)
    #expect(mixture.type(of: .embedding, layer: 0, in: model) == .q8_0)
  }
}
