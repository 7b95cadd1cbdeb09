import Kernels
package import Models
import Quantities

/// How large a transformer's layer is, as axes of a problem.
package struct LayerAxes: AxisGroup {
  package let hidden: Int
  /// Of the feed-forward network between its products.
  package let ffn: Int
  package let heads: Int
  package let kvHeads: Int
  package let headDim: Int

  /// Takes the sizes as they are; `validate` says whether they make a layer.
  package init(hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int) {
    self.hidden = hidden
    self.ffn = ffn
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
  }

  /// Of a model of so many layers; without a vocabulary it is layers alone.
  func shape(layers: Int, vocab: Int = 0, isTied: Bool = false, _ mlp: FeedForward) -> ModelShape {
    ModelShape(
      layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads,
      headDim: headDim, vocab: vocab, isTied: isTied, mlp: mlp)
  }

  /// Whether matrices of this size can be stored in a format.
  func validate(_ format: ElementType) throws {
    try HeadLayout(heads: heads, kvHeads: kvHeads).validate()
    let block = WeightFormat.usual(format).blockLength
    for (axis, k) in [("hidden", hidden), ("ffn", ffn), ("head-dim", heads * headDim)] {
      guard k.isMultiple(of: block) else {
        throw ProblemFault(
          axis: axis,
          what: "\(axis == "head-dim" ? "heads · head-dim" : axis) is \(k), which is not a "
            + "multiple of the \(block)-weight block of \(format.rawValue)",
          fix: "use a format of blocks of 32, or fp16")
      }
    }
  }
}

extension FeedForward: AxisWord {}
