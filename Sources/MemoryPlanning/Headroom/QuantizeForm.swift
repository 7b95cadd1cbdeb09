import Kernels
import Quantities

/// Weights in fp32 to a format: nothing but the operands, which for GPTQ include what it calibrates with.
///
///     activations: 4·n·k, and of GPTQ 4·2·k·k besides;  weights: those stored
///
/// - Shapes: `values` is n × k, GPTQ's `inputs` 2·k × k, both in fp32; `weights` is n × k as the format has it.
/// - Source: the operands of `quantize`.
struct QuantizeForm: KernelForm {
  private let weights: StoredWeights
  private let method: Method

  private enum Method: String, CaseIterable {
    case nearest, gptq
    case gptqActOrder = "gptq-act-order"
  }

  init(_ values: FormValues) throws {
    weights = try StoredWeights(values)
    method = try values.word("method")
    guard weights.format.isQuantized else {
      throw FormFault.noProblem(
        axis: "format",
        what: "\(weights.format.elementType.rawValue) is a plain number format",
        mend: "use a format of fewer bits")
    }
    guard method != .nearest else { return }
    guard weights.isInteger, weights.format.group != nil else {
      throw FormFault.noProblem(
        axis: "method", what: "GPTQ stores whole numbers in groups",
        mend: "use int8, int4 or int3 with a group-size, or the method nearest")
    }
    try values.check([2, weights.k, weights.k])
  }

  var operands: RoleBytes {
    let samples = method == .nearest ? 0 : 2 * weights.k
    return RoleBytes(
      weights: weights.bytes, activations: floats((weights.n + samples) * weights.k))
  }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory { KernelMemory(operands: operands) }
}
