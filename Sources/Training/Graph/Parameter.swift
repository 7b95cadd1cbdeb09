package import Kernels
import Quantities

/// Weights of a step, by the name that published models use.
package final class Parameter: Sendable {
  package let name: String
  /// Stored a row per output; a norm's gain is one row.
  package let tensor: Tensor
  package let format: WeightFormat
  package let isTrained: Bool

  /// - Parameters:
  ///   - format: fp32 or bf16 where it is trained.
  ///   - isTrained: whether it has a gradient and is updated; else it is frozen.
  package init(
    name: String, tensor: Tensor, format: WeightFormat = WeightFormat(.fp32), isTrained: Bool
  ) {
    precondition(
      !isTrained || [.fp32, .bf16].contains(format.plain), "what is trained is in fp32 or bf16")
    self.name = name
    self.tensor = tensor
    self.format = format
    self.isTrained = isTrained
  }

  package var count: Int { tensor.count }
  package var rows: Int { tensor.rows }
  package var columns: Int { tensor.columns }

  /// As an operand of a product, where it is stored as plain numbers: those in fp32 are rounded on their way.
  func matrix(roundedTo activations: FloatFormat) -> Gemm.Matrix? {
    format.plain.map { plain in
      Gemm.Matrix(
        UnsafeRawPointer(tensor.start), stride: columns,
        element: plain == .fp32 ? .rounded(to: activations) : .stored(plain))
    }
  }

  /// Of one in fp32.
  var floats: UnsafeMutablePointer<Float> { tensor.pointer(to: Float.self) }

  /// All of it in fp64, row after row.
  package var doubles: [Double] {
    (0..<rows).flatMap { tensor.row($0, of: format).map(Double.init) }
  }
}
