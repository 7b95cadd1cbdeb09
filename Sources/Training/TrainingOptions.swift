package import Kernels
package import Models
import Quantities

/// How attention is computed.
package enum TrainingAttention: String, CaseIterable, Codable, Sendable {
  /// A tile of queries with a tile of keys at a time: no weights are kept.
  case tiled
  /// All weights of all heads are held in memory, tokens × tokens each, and kept for the way back.
  case naive
}

/// How a step is made, besides the model's shape: what saves memory, and what it costs.
package struct TrainingOptions: Hashable, Sendable {
  package var checkpointing = Checkpointing.none
  package var precision = TrainingPrecision.fp32
  package var attention = TrainingAttention.tiled
  package var loss = LinearCrossEntropy.Chunks.whole
  package var optimizer = Optimizer(.adamw)
  package var schedule = RateSchedule()
  /// Parameters are updated as soon as their gradient is whole, and it is let go of.
  package var updatesInBackward = false
  /// The maximum of the norm of all gradients.
  package var clip: Float?
  package var rotary = Rotary(.neox)
  package var adapter = AdapterOptions()
  /// How the products of the layers are stored where an adapter is trained, and they are not.
  package var base = WeightFormat(.fp32)
  /// What is dropped follows from it.
  package var seed: UInt64 = 0

  package init() {}

  /// Whether a step takes the norm of all gradients before it updates anything.
  var measuresNorm: Bool { clip != nil || precision.scalesLoss }

  /// What LoRA's input of a product is multiplied by in the first step, number by number: 0 where it is dropped.
  package func kept(
    microBatch: Int, layer: Int, product: ModelShape.Product, count: Int
  ) -> [Double] {
    let dropout = Dropout(
      share: adapter.dropout, seed: UInt32(truncatingIfNeeded: seed),
      pool: ThreadPool(planning: 1))
    let stream = LinearOperation.LoRA.stream(layer, product)
    return (0..<count).map {
      dropout.keeps($0, stream: stream, step: 0, microBatch: microBatch)
        ? 1 / (1 - Double(adapter.dropout)) : 0
    }
  }
}
