package import Kernels
package import Quantities

/// Rows of a table by the ids of tokens; and the way back, to all of a table's gradient, which is set to 0 first.
///
/// As in texts, where some words are frequent, tokens repeat: each id that occurs does so twice, or more often
/// where the vocabulary is small.
///
/// - Shapes and error: as of `TokenEmbedding`.
/// - Work: forward reads the rows that occur and writes one a token; backward reads one a token, and writes the
///   whole gradient.
package enum TokenEmbeddingWorkload: Workload {
  /// The tokens of a step and a table.
  package struct Problem: Codable, Hashable, Sendable {
    package let tokens: Int
    package let vocab: Int
    package let hidden: Int
    /// Of activations: the table and gradients are in fp32.
    package let precision: FloatFormat
    package let pass: TrainingPass

    /// Any sizes from 1 up make a problem.
    package init(
      tokens: Int, vocab: Int, hidden: Int, precision: FloatFormat = .fp32,
      pass: TrainingPass = .forward
    ) {
      self.tokens = tokens
      self.vocab = vocab
      self.hidden = hidden
      self.precision = precision
      self.pass = pass
    }

    /// Ids that occur.
    fileprivate var distinct: Int { min(vocab, (tokens + 1) / 2) }
  }

  /// `ids` are 32-bit whole numbers. Forward, `table` is vocab × hidden in fp32 and `y` tokens × hidden in the
  /// precision; backward, `table` is `dy`, tokens × hidden in fp32, and `y` the table's gradient.
  package struct Operands: OperandSet, TensorSet {
    package let ids: Tensor
    package let table: Tensor
    package let y: Tensor
    fileprivate let pass: TrainingPass

    package var operands: [Operand] {
      let isForward = pass == .forward
      return [
        Operand("ids", ids, .input), Operand(isForward ? "table" : "dy", table, .input),
        Operand(isForward ? "y" : "gradient", y, .output),
      ]
    }

    func copy(in ledger: MemoryLedger) throws -> Operands {
      Operands(
        ids: try ledger.copy(of: ids, role: .activations),
        table: try ledger.copy(of: table, role: .weights),
        y: try ledger.copy(of: y, role: .activations), pass: pass)
    }

    fileprivate func id(_ token: Int) -> Int { Int(ids.pointer(to: Int32.self)[token]) }
  }

  package static let name = "embedding"
  package static let about = "rows of a table by the ids of tokens; and its way back"
  package static let smallest = Problem(tokens: 35, vocab: 13, hidden: 37)
  package static let defaults = ["precision": "fp32", "pass": "forward"]

  /// Memory alone binds: there is nothing but plain Swift.
  package static let variants: [Variant<TokenEmbeddingWorkload>] = [
    .reference(),
    Variant(.portable) { problem, operands, execution in
      let embedding = TokenEmbedding(
        columns: problem.hidden, activations: problem.precision, pool: execution.pool)
      return OperationKernel(operands) {
        run(embedding, $0, tokens: problem.tokens, pool: execution.pool)
      }
    },
  ]

  private static func run(
    _ embedding: TokenEmbedding, _ operands: Operands, tokens: Int, pool: ThreadPool
  ) {
    let ids = operands.ids.pointer(to: Int32.self)
    let from = operands.table.pointer(to: Float.self)
    guard operands.pass == .backward else {
      return embedding.forward(ids, tokens: tokens, table: from, to: operands.y.start)
    }
    let gradient = operands.y.pointer(to: Float.self)
    pool.share(operands.y.count, grain: 16, least: 4096) { own, _ in
      (gradient + own.lowerBound).update(repeating: 0, count: own.count)
    }
    embedding.backward(ids, tokens: tokens, dy: from, to: gradient)
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.tokens + problem.vocab, problem.hidden)
  }

  /// One a number of the tokens' rows: forward its conversion, backward a sum.
  package static func work(of problem: Problem) -> Work {
    let (tokens, hidden) = (problem.tokens, problem.hidden)
    func floats(_ count: Int) -> Bytes { ElementType.fp32.bytes(of: count) }
    let isForward = problem.pass == .forward
    return Work(
      flops: tokens * hidden,
      bytesRead: floats(tokens + (isForward ? problem.distinct : tokens) * hidden),
      bytesWritten: isForward
        ? problem.precision.bytes(of: tokens * hidden) : floats(problem.vocab * hidden),
      format: .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let (tokens, vocab, hidden) = (problem.tokens, problem.vocab, problem.hidden)
    let isForward = problem.pass == .forward
    let ids = try ledger.tensor(.fp32, [tokens], .activations)
    let table = try ledger.tensor(
      .fp32, [isForward ? vocab : tokens, hidden], isForward ? .weights : .gradients)
    let y =
      isForward
      ? try ledger.tensor(problem.precision.elementType, [tokens, hidden], .activations)
      : try ledger.tensor(.fp32, [vocab, hidden], .gradients)
    table.fillUniform(seed: seed)
    if !ids.isPlan {
      let to = ids.pointer(to: Int32.self)
      let step = step(through: vocab)
      let first = Int(hash32(UInt32(truncatingIfNeeded: seed &+ 77), 0)) % vocab
      for token in 0..<tokens {
        to[token] = Int32((first + token % problem.distinct * step) % vocab)
      }
    }
    return Operands(ids: ids, table: table, y: y, pass: problem.pass)
  }

  /// A step about 0.618 of a vocabulary wide that comes to each of its ids once: neighbours lie far apart.
  private static func step(through vocab: Int) -> Int {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    var step = max(1, vocab * 618 / 1000)
    while divisor(vocab, step) > 1 { step += 1 }
    return step
  }

  /// A sum has as many roundings as the id occurs; what is stored in 16 bits is rounded once.
  package static func tolerance(of problem: Problem) -> Tolerance {
    switch (problem.pass, problem.precision) {
    case (.backward, _):
      .sum(roundings: (problem.tokens + problem.distinct - 1) / problem.distinct)
    case (.forward, .fp32): Tolerance(relative: 0, basis: "numbers are copied")
    case (.forward, let precision):
      Tolerance(
        relative: precision.rounding, basis: "a rounding to \(precision.rawValue)")
    }
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let isHalf = problem.pass == .forward && problem.precision == .fp16
    // Which rows each row of the output is a sum of.
    var sources: [Int: [Int]] = [:]
    switch problem.pass {
    case .forward: for row in sample.rows { sources[row] = [operands.id(row)] }
    case .backward:
      for token in 0..<problem.tokens { sources[operands.id(token), default: []].append(token) }
    }
    var (values, magnitudes) = ([Double](), [Double]())
    for row in sample.rows {
      var sums = GradientSums(columns: problem.hidden)
      for source in sources[row] ?? [] {
        sums.add(1, size: 1, error: 0, operands.table.row(source))
      }
      for column in sample.columns {
        values.append(sums.values[column])
        magnitudes.append(sums.magnitudes[column])
      }
    }
    // fp16 keeps no more than 24 bits after the point.
    return Expectation(
      values: values, magnitudes: magnitudes,
      allowances: isHalf ? values.map { _ in 0x1p-25 } : [])
  }
}
