package import Kernels
package import Quantities

/// Weights in fp32 to a format.
///
/// - Shapes: `values` is n × k, row-major, fp32; `weights` n × k as the format has it, seen as
///   bytes; GPTQ's `inputs` 2·k × k, fp32.
/// - Work: a product for each weight at the least; reads 4 bytes for each, writes the format's.
///   GPTQ's Hessian takes 2 flops for each of inputs × k, its factors 8/3·k³, its rows n·k².
/// - Error: none: every variant stores the same bytes. What the format costs is shown as the error
///   of a layer's outputs on correlated inputs, none of them those of the calibration.
package enum QuantizeWorkload: Workload {
  /// One matrix, n × k, and how it is stored.
  package struct Problem: Codable, Hashable, Sendable {
    package let weights: WeightAxes
    package let method: Method

    /// Sizes are taken as they are: `validate` says whether they make a problem. What is left out is as in
    /// `defaults`.
    package init(
      n: Int, k: Int, format: ElementType, groupSize: GroupSize = .usual,
      zeroPoint: ZeroPoint = .none, packing: Packing = .gptq, method: Method = .nearest
    ) {
      weights = WeightAxes(
        n: n, k: k, format: format, groupSize: groupSize, zeroPoint: zeroPoint, packing: packing)
      self.method = method
    }

    /// Inputs that GPTQ calibrates with.
    var samples: Int { method.gptq == nil ? 0 : 2 * weights.k }
  }

  /// How codes are chosen.
  package enum Method: String, AxisWord {
    /// Each weight by itself.
    case nearest
    /// With calibration inputs, column by column, errors made up for by later columns.
    case gptq
    /// Likewise, columns with the largest inputs first, as GPTQ's tools call it.
    case gptqActOrder = "gptq-act-order"

    var gptq: GPTQ? {
      switch self {
      case .nearest: nil
      case .gptq: GPTQ()
      case .gptqActOrder: GPTQ(order: .activation)
      }
    }
  }

  /// `values`, n × k in fp32, and `weights`, the bytes of the format; GPTQ's inputs where the method needs
  /// them.
  package struct Operands: OperandSet {
    package let values: Tensor
    package let weights: Tensor
    /// GPTQ's.
    let inputs: Tensor?
    let layerInputs: LayerInputs

    package var operands: [Operand] {
      [Operand("values", values, .input), Operand("weights", weights, .output)]
        + (inputs.map { [Operand("inputs", $0, .input)] } ?? [])
    }
  }

  package static let name = "quantize"
  package static let about = "weights n × k in fp32 to a format, to the nearest codes or by GPTQ"
  package static let smallest = Problem(n: 3, k: 256, format: .q4_0)
  package static let defaults = ["method": "nearest"].with(WeightAxes.defaults)

  package static func validate(_ problem: Problem) throws {
    guard problem.weights.stored.isQuantized else {
      throw ProblemFault(
        axis: "format", what: "\(problem.weights.format.rawValue) is a plain number format",
        fix: "use a format of fewer bits")
    }
    try problem.weights.validate()
    let isInteger = [.int8, .int4, .int3].contains(problem.weights.format)
    guard problem.method == .nearest || (isInteger && problem.weights.stored.group != nil) else {
      throw ProblemFault(
        axis: "method",
        what: "GPTQ stores whole numbers in groups, and no \(problem.weights.format.rawValue)"
          + (isInteger ? " with a scale a row" : ""),
        fix: "use int8, int4 or int3 with a group-size, or the method nearest")
    }
  }

  package static func workBound(of problem: Problem) -> Double {
    let codes = 64 * product(problem.weights.n, problem.weights.k)
    // Samples are twice as many as k.
    return problem.method == .nearest
      ? codes
      : (codes + 256 * product(problem.weights.k, problem.weights.k)) * product(problem.weights.k)
  }

  /// Each weight takes one product. GPTQ adds the flops of its Hessian, factors and rows, as the type's
  /// comment has them.
  package static func work(of problem: Problem) -> Work {
    let (n, k) = (problem.weights.n, problem.weights.k)
    let calibration =
      problem.method == .nearest ? 0 : 2 * problem.samples * k * k + 8 * k * k * k / 3 + n * k * k
    return Work(
      flops: n * k + calibration,
      bytesRead: ElementType.fp32.bytes(of: (n + problem.samples) * k),
      bytesWritten: problem.weights.bytes, format: .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let values = try ledger.tensor(.fp32, [problem.weights.n, problem.weights.k], .activations)
    WeightSource(columns: problem.weights.k, seed: seed).fillPlain(values, rows: problem.weights.n)
    let bytes = problem.weights.bytes
    let weights = Tensor(.int8, [bytes.count], try ledger.allocate(bytes, role: .weights))
    let source = LayerInputs(columns: problem.weights.k, seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    var inputs: Tensor?
    if problem.samples > 0 {
      let tensor = try ledger.tensor(.fp32, [problem.samples, problem.weights.k], .activations)
      if !tensor.isPlan {
        source.fill(tensor.pointer(to: Float.self), samples: problem.samples, stream: 0)
      }
      inputs = tensor
    }
    return Operands(values: values, weights: weights, inputs: inputs, layerInputs: source)
  }

  package static let variants: [Variant<QuantizeWorkload>] = {
    [variant("reference", .reference), variant("portable", .own)]
  }()

  private static func variant(_ name: String, _ kind: VariantKind) -> Variant<QuantizeWorkload> {
    Variant(name: name, kind: kind) { problem, operands, _ in RowsKernel(problem, operands) }
  }

  /// On one thread, whatever the pool: formats that quantize their own scales go through a matrix
  /// twice, and preparing weights is done once.
  private final class RowsKernel: Kernel {
    private let problem: Problem
    private let operands: Operands

    init(_ problem: Problem, _ operands: Operands) {
      self.problem = problem
      self.operands = operands
    }

    func run() { QuantizeWorkload.store(problem, operands, at: operands.weights.start) }
  }

  private static func store(
    _ problem: Problem, _ operands: Operands, at start: UnsafeMutableRawPointer
  ) {
    let values = operands.values.pointer(to: Float.self)
    let matrix = problem.weights.stored.weights(
      at: start, rows: problem.weights.n, columns: problem.weights.k)
    guard let matrix else { return }
    do {
      if let gptq = problem.method.gptq, let inputs = operands.inputs {
        try gptq.quantize(
          [Float](UnsafeBufferPointer(start: values, count: operands.values.count)),
          inputs: [Float](
            UnsafeBufferPointer(start: inputs.pointer(to: Float.self), count: inputs.count)),
          into: matrix)
      } else {
        try matrix.quantize { row, buffer in
          buffer.update(from: values + row * problem.weights.k, count: problem.weights.k)
        }
      }
    } catch {
      preconditionFailure("generated weights can be stored: \(error)")
    }
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let count = operands.weights.count
    return withUnsafeTemporaryAllocation(byteCount: count, alignment: 64) { buffer in
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      guard let start = buffer.baseAddress else { return Expectation(values: [], magnitudes: []) }
      store(problem, operands, at: start)
      let values = sample.columns.map { Double(Int8(bitPattern: buffer[$0])) }
      return Expectation(
        values: values, magnitudes: values.map { abs($0) },
        formatError: outputError(problem, operands, stored: start))
    }
  }

  /// Of the rows that differ, on inputs that nothing was calibrated with.
  private static func outputError(
    _ problem: Problem, _ operands: Operands, stored: UnsafeMutableRawPointer
  ) -> Double? {
    let (samples, rows) = (32, min(problem.weights.n, WeightSource.period))
    let matrix = problem.weights.stored.weights(
      at: stored, rows: problem.weights.n, columns: problem.weights.k)
    guard let matrix else { return nil }
    let inputs = [Float](unsafeUninitializedCapacity: samples * problem.weights.k) {
      buffer, count in
      if let start = buffer.baseAddress {
        operands.layerInputs.fill(start, samples: samples, stream: 1)
      }
      count = samples * problem.weights.k
    }
    let values = UnsafeBufferPointer(
      start: operands.values.pointer(to: Float.self), count: rows * problem.weights.k)
    return GPTQ.outputError(of: matrix, rows: rows, [Float](values), inputs: inputs)
  }

  /// Nothing may stray: every variant must store the same bytes.
  package static func tolerance(of problem: Problem) -> Tolerance {
    Tolerance(relative: 0, basis: "the same bytes")
  }
}
