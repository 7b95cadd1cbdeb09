import CMicrokernels
package import Quantities

/// A product of activations with weights that are stored a row per output, as inference stores them.
///
///     c[i, j] = Σ a[i, l] · w[j, l]
///
/// Weights are packed once for a set of instructions, and multiply any number of rows from then on.
///
/// - Shapes: `a` is m × k, `w` is n × k in any format, `c` is m × n in fp32; row-major, contiguous.
/// - Work: 2·m·n·k flops; reads `a` and `w` once, writes `c` once.
/// - Error: a result's path has k roundings of products and k of sums in fp32. Activations that are rounded
///   to 8 bits are off by up to half a step each: `activationBlock` of a row share one.
package struct Matmul: Hashable, Sendable {
  /// Outputs.
  package let n: Int
  /// Inputs of each output.
  package let k: Int
  package let weights: WeightFormat
  package let activations: Activations
  package let instructions: InstructionSet

  /// How activations are multiplied.
  package enum Activations: Hashable, Sendable {
    /// As they are stored.
    case stored(FloatFormat)
    /// From fp32, rounded within the call to whole numbers of 8 bits.
    case int8
  }

  /// Takes the shape as it is: `k` must be a multiple of the weights' block length. Plain weights need stored
  /// activations, in fp32 or in the weights' own format; quantized ones need fp32 activations, stored or
  /// rounded.
  package init(
    n: Int, k: Int, weights: WeightFormat, activations: Activations, instructions: InstructionSet
  ) {
    self.n = n
    self.k = k
    self.weights = weights
    self.activations = activations
    self.instructions = instructions
  }

  /// How it is computed.
  enum Method {
    /// By tiles, from panels of weights as they are stored.
    case tiles(hr_matmul_kernels)
    /// By integer products of rounded activations with codes.
    case integers(hr_quantized_kernels)
    /// By tiles, from panels that are made of quantized ones whenever a product comes to them.
    case widening(hr_quantized_kernels, hr_matmul_kernels)
    /// By dot products with rows, each brought back to fp32 first.
    case rows
  }

  var method: Method {
    if let plain = weights.plain {
      guard case .stored(let stored) = activations else {
        preconditionFailure("plain weights are no whole numbers")
      }
      return instructions == .portable && stored != plain
        ? .rows : .tiles(instructions.matmul(stored, plain))
    }
    guard let panels = instructions.quantized(PanelFormat(weights, columns: k)) else {
      return .rows
    }
    return activations == .int8 ? .integers(panels) : .widening(panels, instructions.panelMatmul())
  }
}

extension WeightFormat {
  /// The number format of weights that are stored each by itself.
  package var plain: FloatFormat? { FloatFormat(rawValue: elementType.rawValue) }

  package var isQuantized: Bool { plain == nil }

  /// Activations that share a scale where they are rounded to 8 bits for these weights: as many as
  /// have whole numbers to be summed before a scale is due, but no more than 256.
  package var activationBlock: Int {
    let isRow = elementType == .int8 && group == nil
    return elementType.blockLength == 256 || isRow ? 256 : 32
  }
}

extension FloatFormat {
  /// How far storing a number in it may move the number, relative to that: half a unit of the last place.
  package var rounding: Double {
    switch self {
    case .fp32: 0x1p-24
    case .fp16: 0x1p-11
    case .bf16: 0x1p-8
    }
  }

  var stored: hr_element {
    switch self {
    case .fp32: HR_FP32
    case .fp16: HR_FP16
    case .bf16: HR_BF16
    }
  }
}
