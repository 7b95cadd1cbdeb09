import CMicrokernels
import Quantities

extension AttentionDecode {
  /// A step without a cache: all tokens' keys and values from their hidden states, and the attention
  /// of all to all.
  final class RecomputeKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let queries: Tensor
    private let output: Tensor
    private let pool: ThreadPool
    private let table: RotaryTable?
    private let keys: Tensor
    /// Queries after they are turned, where they are.
    private let turned: Tensor?
    private let results: Tensor
    private let projections: [any Kernel]
    private let attentions: [any Kernel]
    private var isTurning = false

    init(
      problem: Problem, operands: Operands, variant: String, turn: @escaping hr_rope,
      execution: Execution
    ) throws {
      guard case .projected(let hidden, let wK, let wV) = operands.step else {
        preconditionFailure("operands with a cache")
      }
      let ledger = execution.ledger
      self.problem = problem
      (queries, output) = (operands.q, operands.o)
      pool = execution.pool
      let held = Self.workspace(problem)
      let keys = try ledger.tensor(.fp32, held.keys, .workspace)
      let values = try ledger.tensor(.fp32, held.keys, .workspace)
      let results = try ledger.tensor(.fp32, held.results, .workspace)
      let turned =
        problem.rotary.isNone ? nil : try ledger.tensor(.fp32, held.results, .workspace)
      (self.keys, self.results, self.turned) = (keys, results, turned)
      table =
        problem.rotary.isNone
        ? nil
        : try RotaryTable(
          angles: problem.angles, layout: problem.rotary.rope, positions: 0..<problem.longest,
          turn: turn, in: ledger)
      let (product, attention) = Self.variants(variant)
      projections = try [(wK, keys), (wV, values)].map { weights, result in
        try product.prepare(
          Self.projection(problem), Matmul.Operands(a: hidden, b: weights, c: result), execution)
      }
      let seen = turned ?? operands.q
      attentions = try Self.attentions(problem).map { part, tokens in
        try attention.prepare(
          part,
          AttentionPrefill.Operands(
            q: seen.slice(tokens), k: keys.slice(tokens), v: values.slice(tokens),
            o: results.slice(tokens)), execution)
      }
    }

    func run() {
      for projection in projections { projection.run() }
      if table != nil {
        isTurning = true
        pool.run(self)
      }
      for attention in attentions { attention.run() }
      isTurning = false
      pool.run(self)
    }

    func run(part: Int, of parts: Int) {
      isTurning ? turn(part, parts) : copy(part, parts)
    }

    /// Keys where they are, queries beside.
    private func turn(_ part: Int, _ parts: Int) {
      guard let table, let turned else { return }
      let depth = problem.headDim
      let (from, to) = (queries.pointer(to: Float.self), turned.pointer(to: Float.self))
      let keys = keys.pointer(to: Float.self)
      var start = 0
      for context in problem.contexts {
        let count = context + problem.newTokens
        for token in split(count, part: part, of: parts) {
          for head in 0..<problem.heads {
            let place = ((start + token) * problem.heads + head) * depth
            table.turn(from + place, at: token, to: to + place)
          }
          for head in 0..<problem.kvHeads {
            let key = keys + ((start + token) * problem.kvHeads + head) * depth
            table.turn(key, at: token, to: key)
          }
        }
        start += count
      }
    }

    /// What the new tokens came to.
    private func copy(_ part: Int, _ parts: Int) {
      let (from, to) = (results.pointer(to: Float.self), output.pointer(to: Float.self))
      let hidden = problem.hidden
      var end = 0
      for (sequence, context) in problem.contexts.enumerated() {
        end += context + problem.newTokens
        for token in split(problem.newTokens, part: part, of: parts) {
          (to + (sequence * problem.newTokens + token) * hidden).update(
            from: from + (end - problem.newTokens + token) * hidden, count: hidden)
        }
      }
    }

    // MARK: What it is made of

    private static func projection(_ problem: Problem) -> Matmul.Problem {
      Matmul.Problem(
        m: problem.tokens, n: problem.kvHeads * problem.headDim, k: problem.hidden,
        precision: .fp32)
    }

    /// All sequences at once where they are of one length.
    private static func attentions(_ problem: Problem) -> [(AttentionPrefill.Problem, Range<Int>)] {
      func part(batch: Int, tokens: Int) -> AttentionPrefill.Problem {
        AttentionPrefill.Problem(
          batch: batch, heads: problem.heads, kvHeads: problem.kvHeads, headDim: problem.headDim,
          tokens: tokens, mask: problem.mask.value, precision: .fp32)
      }
      let lengths = problem.contexts.map { $0 + problem.newTokens }
      if problem.lengths == .same {
        return [(part(batch: problem.batch, tokens: lengths[0]), 0..<problem.tokens)]
      }
      var start = 0
      return lengths.map { length in
        start += length
        return (part(batch: 1, tokens: length), start - length..<start)
      }
    }

    private static func workspace(_ problem: Problem) -> (keys: [Int], results: [Int]) {
      (
        [problem.tokens, problem.kvHeads, problem.headDim],
        [problem.tokens, problem.heads, problem.headDim]
      )
    }

    /// Nothing here is multiplied as integers.
    private static func variants(_ name: String) -> (
      Variant<Matmul>, Variant<AttentionPrefill>
    ) {
      let name = name == "avx512-vnni" ? "avx512" : name
      guard let product = Matmul.variants.first(where: { $0.name == name }),
        let attention = AttentionPrefill.variants.first(where: { $0.name == name })
      else { preconditionFailure("no kernels of \(name)") }
      return (product, attention)
    }

    /// The originals of the packed weights are not kept.
    static func memory(
      _ problem: Problem, operands: [MemoryRole: Bytes], variant: String, threads: Int
    ) -> MemoryPlan {
      let (product, attention) = variants(variant)
      let held = workspace(problem)
      let results = problem.rotary.isNone ? 1 : 2
      var workspace =
        problem.tableBytes
        + ElementType.fp32.bytes(
          of: 2 * held.keys.reduce(1, *) + results * held.results.reduce(1, *))
      let projection = Matmul.memory(of: projection(problem), variant: product, threads: threads)
      let ran = projection.phases[.run] ?? [:]
      workspace += (ran[.workspace] ?? .zero) * 2
      for (part, _) in attentions(problem) {
        let plan = AttentionPrefill.memory(of: part, variant: attention, threads: threads)
        workspace += plan.phases[.run]?[.workspace] ?? .zero
      }
      let panels = (ran[.weights] ?? .zero) * 2
      var (preparation, run) = (operands, operands)
      preparation[.weights] = (operands[.weights] ?? .zero) + panels
      run[.weights] = panels
      preparation[.workspace] = workspace
      run[.workspace] = workspace
      return MemoryPlan([.operands: operands, .preparation: preparation, .run: run])
    }
  }
}
