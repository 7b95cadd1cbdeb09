package import Kernels
package import Quantities

/// What a case of this program's own workloads allocates, in each phase and role, by a formula of its axes.
///
/// A plan that a ledger makes is counted by the workload's code; a form here is written from what the workload is.
/// Both agree to the byte. A form allocates no tensor and starts no thread, so that thousands of settings are looked
/// at in a second.
package enum ClosedForm {
  /// The plan of a case that a set of instructions computes, or the fp64 reference.
  ///
  /// - Parameters:
  ///   - workload: its name in suites.
  ///   - values: those of all axes of its problem, by their names in suites and as case ids write them; others
  ///     are not looked at.
  ///   - instructions: nil for the reference.
  /// - Returns: nil where there is no form.
  /// - Throws: `FormFault` for values that do not parse, or that make no problem.
  package static func plan(
    of workload: String, _ values: [String: String], instructions: InstructionSet?, threads: Int
  ) throws -> MemoryPlan? {
    try plan(
      of: workload, values, by: instructions.map { .instructions($0) } ?? .reference,
      threads: threads)
  }

  /// The plan of a case that a variant computes, by the variant's name: `best` and `all` are none.
  ///
  /// - Returns: nil where there is no form, as for libraries of others.
  /// - Throws: `FormFault` for values that do not parse, or that make no problem.
  package static func plan(
    of workload: String, _ values: [String: String], variant: String, threads: Int
  ) throws -> MemoryPlan? {
    guard let way = Way(variant) else { return nil }
    return try plan(of: workload, values, by: way, threads: threads)
  }

  /// Who computes a case.
  private enum Way {
    case reference
    /// Attention with all scores in memory.
    case naive
    case instructions(InstructionSet)

    init?(_ variant: String) {
      switch variant {
      case "reference": self = .reference
      case "naive": self = .naive
      default:
        guard let set = InstructionSet(rawValue: variant) else { return nil }
        self = .instructions(set)
      }
    }
  }

  private static func plan(
    of workload: String, _ values: [String: String], by way: Way, threads: Int
  ) throws -> MemoryPlan? {
    guard let type = forms[workload] else { return nil }
    guard 1...FormValues.mostThreads ~= threads else { throw FormFault.threads(threads) }
    let form = try type.init(FormValues(values, workload: workload, threads: threads))
    return switch way {
    case .reference: KernelMemory(operands: form.operands).plan
    case .naive: try form.naive?.plan
    case .instructions(let set): form.memory(set, threads: threads).plan
    }
  }

  /// By the names of workloads in suites.
  private static let forms: [String: any KernelForm.Type] = [
    "matmul": MatmulForm.self,
    "gemm": GemmForm.self,
    "quantized-matmul": QuantizedMatmulForm.self,
    "dequantize": DequantizeForm.self,
    "quantize": QuantizeForm.self,
    "attention-prefill": AttentionPrefillForm.self,
    "attention-backward": AttentionBackwardForm.self,
    "attention-decode": AttentionDecodeForm.self,
    "rope": RotaryForm.self,
    "decoder-block": DecoderBlockForm.self,
    "decoder": DecoderForm.self,
    "linear-cross-entropy": LossForm.self,
    "optimizer": OptimizerForm.self,
    "rms-norm": NormForm.self,
    "swiglu": SwiGLUForm.self,
    "embedding": EmbeddingForm.self,
    "self-test": SelfTestForm.self,
  ]
}

/// One workload's formula: the axes that its memory follows from, and what it makes of them.
protocol KernelForm: SendableMetatype {
  /// Reads the axes.
  ///
  /// - Throws: `FormFault`: what was read is then small enough to be counted.
  init(_ values: FormValues) throws
  /// Inputs, weights and outputs: all that the reference holds.
  var operands: RoleBytes { get }
  /// What one of our own ways holds, on so many threads.
  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory
  /// What the way as the formula is written holds, where a workload has one besides.
  ///
  /// - Throws: `FormFault` where that is too large.
  var naive: KernelMemory? { get throws }
}

extension KernelForm {
  var naive: KernelMemory? { nil }
}
