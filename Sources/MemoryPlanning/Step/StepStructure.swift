package import Kernels
package import Models
package import Quantities

/// A training step of this program, but for its batch: what it keeps, and in which numbers.
package struct StepStructure: Hashable, Sendable {
  package var shape: ModelShape
  package var isNaive = false
  package var checkpointing = Kept.all
  package var loss = LinearCrossEntropy.Chunks.whole
  package var activations = FloatFormat.fp32
  /// Of matrices that are trained.
  package var masters = FloatFormat.fp32
  package var optimizer = Optimizer.Rule.adamw
  package var updatesInBackward = false
  /// Whether gradients stay for another micro-batch.
  package var accumulates = false
  /// Whether the norm of all gradients is taken before the update.
  package var measuresNorm = false
  package var adapter = Adapter.none
  package var base = ElementType.fp32
  package var isRotated = true

  package init(_ shape: ModelShape) { self.shape = shape }

  /// What of the way forward is kept for the way back.
  package enum Kept: Hashable, Sendable {
    case all
    case pointwise
    case attention
    /// All but the inputs of the first so many layers is dropped.
    case layers(Int)
    case block
    case segments(Int)
    case budget(Int)
  }

  package enum Adapter: Hashable, Sendable {
    case none
    case lora(rank: Int, targets: Set<ModelShape.Product>, drops: Bool)
    case prefix(Int)
    case bottleneck(Int)
    case ia3
  }

  var isTrained: Bool { adapter == .none }
  var prefix: Int { if case .prefix(let tokens) = adapter { tokens } else { 0 } }
  var queries: Int { shape.heads * shape.headDim }
  var keys: Int { shape.kvHeads * shape.headDim }
  /// Bytes of a number that is kept.
  var width: Int { activations.bytes(of: 1).count }
  /// Whether products write what is kept.
  var isWide: Bool { activations == .fp32 }
}
