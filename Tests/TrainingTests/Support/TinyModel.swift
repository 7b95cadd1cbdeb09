import Kernels
import Models
import Quantities

/// A tiny model whose weights and tokens `tiny.py` draws alike.
struct TinyModel: Decodable, Sendable {
  let layers: Int
  let hidden: Int
  let ffn: Int
  let heads: Int
  let kvHeads: Int
  let headDim: Int
  let vocab: Int
  let isTied: Bool
  let batch: Int
  let tokens: Int
  let seed: UInt32

  /// Those that `tiny.py` names.
  static let grouped = TinyModel(
    layers: 2, hidden: 16, ffn: 24, heads: 4, kvHeads: 2, headDim: 4, vocab: 40, isTied: false,
    batch: 2, tokens: 7, seed: 1)
  static let tied = TinyModel(
    layers: 1, hidden: 24, ffn: 20, heads: 3, kvHeads: 1, headDim: 8, vocab: 31, isTied: true,
    batch: 1, tokens: 9, seed: 2)

  var shape: ModelShape {
    ModelShape(
      layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads,
      headDim: headDim, vocab: vocab, isTied: isTied, mlp: .swiglu)
  }

  var sequences: [Int] { Array(repeating: tokens, count: batch) }

  /// The tokens of a step of a run: sequences × tokens.
  func tokens(step: Int = 0) -> Tokens {
    let drawn = (0..<batch).map { sequence in
      (0...tokens).map { token in
        Int(
          hash32(seed + UInt32(step) + 1, UInt32(sequence * (tokens + 1) + token))
            % UInt32(vocab))
      }
    }
    return Tokens(
      ids: drawn.flatMap { $0.dropLast() }, targets: drawn.flatMap { $0.dropFirst() })
  }

  /// Element e of one of a case's streams: −7.5, −6.5 … 7.5, exact in fp32 times a power of two.
  func drawn(_ stream: Int, _ element: Int) -> Float {
    Float(hash32(hash32(seed, UInt32(stream)), UInt32(element)) >> 28) - 7.5
  }
}

/// What a step is given: ids, and targets, which are less than 0 where a row has no loss.
struct Tokens: Sendable {
  var ids: [Int]
  var targets: [Int]
}

extension TinyModel: ModelWeights {
  struct Source: MatrixSource {
    let model: TinyModel
    let stream: Int
    let columns: Int
    let scale: Float

    func tensor(_ format: WeightFormat, rows: Int, in ledger: MemoryLedger) throws -> Tensor {
      let tensor = try ledger.tensor(format.elementType, [rows, columns], .weights)
      guard !tensor.isPlan else { return tensor }
      for index in 0..<tensor.count {
        tensor.store(scale * model.drawn(stream, index), at: index)
      }
      return tensor
    }
  }

  func matrix(_ product: ModelShape.Product, layer: Int) -> Source {
    Source(
      model: self, stream: 8 * layer + product.rawValue + 2, columns: shape.matrix(product).k,
      scale: 0x1p-4)
  }

  var embedding: Source { Source(model: self, stream: 0, columns: hidden, scale: 0x1p-6) }
  var logits: Source {
    isTied ? embedding : Source(model: self, stream: 1, columns: hidden, scale: 0x1p-5)
  }

  func gain(_ index: Int, _ column: Int) -> Float { 1 + drawn(1 << 16 + index, column) / 32 }
}
