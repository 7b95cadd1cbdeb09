import Glibc
package import Kernels
package import Quantities

/// The loss of a language model with the product of its logits inside: the gradients of what the product is
/// given and of its weights, at once.
///
/// Every row has a target, and the losses are added up: gradients are multiplied by 1.
///
/// - Shapes, work, error and source: as of `LinearCrossEntropy`.
package enum LinearCrossEntropyWorkload: Workload {
  /// The rows of a step and the matrix that makes logits of them.
  package struct Problem: Codable, Hashable, Sendable {
    package let tokens: Int
    package let hidden: Int
    package let vocab: Int
    /// What is held of the logits at once.
    package let loss: AxisTextValue<LinearCrossEntropy.Chunks>
    /// Of activations: the weights are in fp32, and rounded to it on their way.
    package let precision: FloatFormat

    /// Any sizes from 1 up make a problem.
    package init(
      tokens: Int, hidden: Int, vocab: Int, loss: LinearCrossEntropy.Chunks = .whole,
      precision: FloatFormat = .fp32
    ) {
      self.tokens = tokens
      self.hidden = hidden
      self.vocab = vocab
      self.loss = AxisTextValue(loss)
      self.precision = precision
    }
  }

  /// `x` is tokens × hidden in the precision, `w` vocab × hidden in fp32, `targets` 32-bit whole numbers;
  /// `gradients` are `dx` and, after its rows, `dw`, in fp32.
  package struct Operands: OperandSet, TensorSet {
    package let x: Tensor
    package let w: Tensor
    package let targets: Tensor
    package let gradients: Tensor

    package var operands: [Operand] {
      [Operand("x", x, .input), Operand("w", w, .input), Operand("targets", targets, .input)]
        + [Operand("gradients", gradients, .output)]
    }

    func copy(in ledger: MemoryLedger) throws -> Operands {
      Operands(
        x: try ledger.copy(of: x, role: .activations), w: try ledger.copy(of: w, role: .weights),
        targets: try ledger.copy(of: targets, role: .activations),
        gradients: try ledger.copy(of: gradients, role: .gradients))
    }

    fileprivate func target(_ row: Int) -> Int { Int(targets.pointer(to: Int32.self)[row]) }
  }

  package static let name = "linear-cross-entropy"
  package static let about = "the loss of x · wᵀ as logits, with the gradients of x and w"
  package static let smallest = Problem(tokens: 37, hidden: 19, vocab: 70)
  package static let defaults = ["loss": "whole", "precision": "fp32"]

  package static let variants: [Variant<LinearCrossEntropyWorkload>] = {
    [.reference()]
      + InstructionSet.having(.training).map { set in
        Variant(set) { try kernel($0, $1, set, $2) }
      }
  }()

  private static func kernel(
    _ problem: Problem, _ operands: Operands, _ instructions: InstructionSet,
    _ execution: Execution
  ) throws -> any Kernel {
    let (rows, columns, chunks) = (problem.tokens, problem.hidden, problem.loss.value)
    let gemm = try Gemm(
      LinearCrossEntropy.shapes(
        rows: rows, columns: columns, vocabulary: problem.vocab, chunks: chunks),
      instructions: instructions, execution)
    let loss = LinearCrossEntropy(
      columns: columns, vocabulary: problem.vocab, chunks: chunks, activations: problem.precision,
      gemm: gemm, instructions: instructions, pool: execution.pool)
    let held = LinearCrossEntropy.sizes(rows: rows, vocabulary: problem.vocab, chunks)
    let logits = try execution.ledger.tensor(.fp32, [held.rows, held.outputs], .workspace)
    let rowSums = try execution.ledger.tensor(.fp32, [3, rows], .workspace)
    return OperationKernel(operands) { operands in
      let dx = operands.gradients.pointer(to: Float.self)
      _ = loss.run(
        LinearCrossEntropy.Operands(
          x: operands.x.start,
          w: Gemm.Matrix(
            operands.w.start, stride: columns, element: .rounded(to: problem.precision)),
          targets: operands.targets.pointer(to: Int32.self), rows: rows,
          logits: logits.pointer(to: Float.self), rowSums: rowSums.pointer(to: Float.self),
          dx: dx, dw: dx + rows * columns, dwAccumulates: false),
        by: 1)
    }
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.tokens, problem.vocab, problem.hidden)
  }

  /// Three products: by parts of the vocabulary a kernel executes a fourth. Exponentials are not counted.
  package static func work(of problem: Problem) -> Work {
    let (rows, matrix) = (problem.tokens * problem.hidden, problem.vocab * problem.hidden)
    return Work(
      flops: 6 * problem.vocab * rows,
      bytesRead: problem.precision.bytes(of: rows)
        + ElementType.fp32.bytes(of: matrix + problem.tokens),
      bytesWritten: ElementType.fp32.bytes(of: rows + matrix), tokens: problem.tokens,
      format: problem.precision.computeFormat)
  }

  /// Weights are so small that logits are of the order of 1, as a model's are.
  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let (tokens, hidden, vocab) = (problem.tokens, problem.hidden, problem.vocab)
    let operands = Operands(
      x: try ledger.tensor(problem.precision.elementType, [tokens, hidden], .activations),
      w: try ledger.tensor(.fp32, [vocab, hidden], .weights),
      targets: try ledger.tensor(.fp32, [tokens], .activations),
      gradients: try ledger.tensor(.fp32, [tokens + vocab, hidden], .gradients))
    guard !ledger.isPlan else { return operands }
    operands.x.fillUniform(seed: seed)
    operands.w.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    operands.w.scale(by: 3 / Float(hidden).squareRoot())
    let targets = operands.targets.pointer(to: Int32.self)
    for row in 0..<tokens {
      let drawn = hash32(UInt32(truncatingIfNeeded: seed &+ 77), UInt32(truncatingIfNeeded: row))
      targets[row] = Int32(Int(drawn) % vocab)
    }
    return operands
  }

  /// A gradient is a sum over the vocabulary, or over all rows. What logits and their sums are off by is in the
  /// expectation's allowances.
  package static func tolerance(of problem: Problem) -> Tolerance {
    .sum(roundings: 2 * max(problem.vocab, problem.tokens) + 6)
  }

  /// Few rows, where all logits are too many for fp64: a gradient of the weights takes all of them.
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    guard product(problem.tokens, problem.vocab, problem.hidden) > 0x1p31 else { return nil }
    let reduced = Problem(
      tokens: min(64, problem.tokens), hidden: problem.hidden, vocab: min(4096, problem.vocab),
      loss: problem.loss.value.reduced, precision: problem.precision)
    guard reduced != problem else { return nil }
    return (
      reduced,
      "\(reduced.tokens) of \(problem.tokens) tokens, \(reduced.vocab) of \(problem.vocab) outputs"
    )
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let tokens = problem.tokens
    let outputs = sample.rows.enumerated().filter { $0.element >= tokens }
    let wanted = Dictionary(
      uniqueKeysWithValues: sample.rows.enumerated().filter { $0.element < tokens }
        .map { ($0.element, $0.offset) })
    let weights = (0..<problem.vocab).map { rounded(operands.w.row($0), to: problem.precision) }
    var sums = sample.rows.map { _ in GradientSums(columns: problem.hidden) }
    for row in outputs.isEmpty ? wanted.keys.sorted() : Array(0..<tokens) {
      let x = operands.x.row(row)
      let logits = LogitRow(x, weights, target: operands.target(row), problem.precision)
      if let place = wanted[row] {
        for (output, numbers) in weights.enumerated() {
          logits.add(output, times: numbers, to: &sums[place])
        }
      }
      for (place, output) in outputs {
        logits.add(output - tokens, times: x, to: &sums[place])
      }
    }
    func chosen(_ numbers: (GradientSums) -> [Double]) -> [Double] {
      sums.flatMap { sum in
        let all = numbers(sum)
        return sample.columns.map { all[$0] }
      }
    }
    return Expectation(
      values: chosen(\.values), magnitudes: chosen(\.magnitudes),
      allowances: chosen(\.allowances))
  }

  /// As a product takes numbers that were in fp32.
  private static func rounded(_ numbers: [Double], to precision: FloatFormat) -> [Double] {
    switch precision {
    case .fp32: numbers
    case .fp16: numbers.map { Double(Float16Bits.float(Float16Bits.bits(Float($0)))) }
    case .bf16: numbers.map { Double(BFloat16Bits.float(BFloat16Bits.bits(Float($0)))) }
    }
  }
}

/// One row's logits in fp64, and what their gradients may be off by.
private struct LogitRow {
  private let weights: [Double]
  private let target: Int
  private let precision: FloatFormat
  /// Relative to a weight.
  private let weightError: Double

  init(_ x: [Double], _ w: [[Double]], target: Int, _ precision: FloatFormat) {
    self.target = target
    self.precision = precision
    var largestSize = 0.0
    let logits = w.map {
      let (sum, size) = dot(x, $0)
      largestSize = max(largestSize, size)
      return sum
    }
    let largest = logits.max() ?? 0
    let exponentials = logits.map { exp($0 - largest) }
    let total = exponentials.reduce(0, +)
    weights = exponentials.map { $0 / total }
    let unit = 0x1p-24
    let sums = Tolerance.sum(roundings: precision == .fp32 ? 2 * x.count : x.count).relative
    // A logit's roundings, and those of taking the logarithm of the sum away, once in the weight and once in the
    // sum: each moves an exponent. The logarithm is rounded where it is stored. Then what the sum is off by,
    // which parts of the vocabulary scale anew, and the exponential.
    weightError =
      2 * largestSize * (sums + 6 * unit) + 2 * abs(largest + log(total)) * unit
      + Tolerance.sum(roundings: 2 * w.count).relative + 4 * unit
  }

  /// Adds a logit's gradient times numbers: it is rounded for the products, and fp16 keeps 24 bits after the
  /// point.
  func add(_ output: Int, times numbers: [Double], to sums: inout GradientSums) {
    let hit = output == target ? 1.0 : 0
    let value = weights[output] - hit
    let stored =
      precision == .fp32
      ? 0 : abs(value) * precision.rounding + (precision == .fp16 ? 0x1p-25 : 0)
    sums.add(
      value, size: weights[output] + hit, error: weights[output] * weightError + stored, numbers)
  }
}
