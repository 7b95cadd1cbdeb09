import CMicrokernels
import Quantities

extension AttentionDecode {
  /// What differs between instruction sets.
  struct Loops {
    let keys: hr_cache_keys
    let values: hr_cache_values
    let step: hr_decode_loops
    let turn: hr_turn
  }

  /// New tokens against a cache: each token of it is read once, for all queries that share its head.
  ///
  /// Heads are too few for many threads, so that tokens are what is divided; stretches of one head are
  /// put together at the end.
  final class CachedKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let operands: Operands
    private let newK: Tensor
    private let newV: Tensor
    private let cache: KVCache
    private let sequences: [Int]
    private let loops: Loops
    private let pool: ThreadPool
    private let division: Division
    private let space: Space
    private let workspace: Allocation
    private let table: RotaryTable?
    /// The blocks of each sequence, head after head: keys and values.
    private let blocks: [[(keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer)?]]
    private var isCombining = false

    init(problem: Problem, operands: Operands, loops: Loops, execution: Execution) throws {
      guard case .cached(let newK, let newV, let cache, let sequences) = operands.step else {
        preconditionFailure("operands without a cache")
      }
      self.problem = problem
      self.operands = operands
      (self.newK, self.newV, self.cache, self.sequences) = (newK, newV, cache, sequences)
      self.loops = loops
      pool = execution.pool
      division = Division(problem, threads: pool.threads)
      space = Space(problem)
      table = try problem.newTable(turn: loops.turn, in: execution.ledger)
      workspace = try execution.ledger.allocate(
        space.bytes(threads: pool.threads, spans: division.spans.count), role: .workspace)
      blocks = try Self.blocks(problem, cache, sequences)
    }

    private init(_ other: CachedKernel, operands: Operands, _ ledger: MemoryLedger) throws {
      guard case .cached(let newK, let newV, let cache, let sequences) = operands.step else {
        preconditionFailure("operands without a cache")
      }
      (problem, loops, pool, division, space, workspace, table) = (
        other.problem, other.loops, other.pool, other.division, other.space, other.workspace,
        other.table
      )
      self.operands = operands
      (self.newK, self.newV, self.cache, self.sequences) = (newK, newV, cache, sequences)
      blocks = try Self.blocks(problem, cache, sequences)
    }

    func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
      func copy(_ tensor: Tensor) throws -> Tensor {
        try ledger.copy(of: tensor, role: .activations)
      }
      return try CachedKernel(
        self,
        operands: Operands(
          q: try copy(operands.q),
          step: .cached(
            newK: try copy(newK), newV: try copy(newV), cache: try cache.copy(in: ledger),
            sequences: sequences),
          o: try copy(operands.o)), ledger)
    }

    /// Where pages lie is looked up once: a serving loop does so when a sequence takes a page.
    private static func blocks(_ problem: Problem, _ cache: KVCache, _ sequences: [Int]) throws
      -> [[(keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer)?]]
    {
      let layout = problem.layout
      return try zip(sequences, problem.contexts).map { sequence, context in
        let total = context + problem.newTokens
        let first = problem.mask.value.stretch(from: context, of: total).lowerBound
        return try (0..<problem.kvHeads).flatMap { head in
          try stride(from: 0, to: total, by: layout.width).map { token in
            guard token + layout.width > first else { return nil }
            let place = try cache.place(of: max(first, token), in: sequence)
            return (
              cache.keyBlock(place.page, head, place.token),
              cache.valueBlock(place.page, head, place.token)
            )
          }
        }
      }
    }

    func run() {
      isCombining = false
      pool.run(self)
      guard division.isSplit else { return }
      isCombining = true
      pool.run(self)
    }

    func run(part: Int, of parts: Int) {
      if isCombining {
        for unit in split(division.units.count, part: part, of: parts) {
          combine(division.units[unit])
        }
        return
      }
      let own = floats + part * space.threadEnd
      for index in division.byThread[part] {
        attend(division.spans[index], own, sums(of: index))
        if !division.isSplit { combine(index..<index + 1) }
      }
    }

    private var floats: UnsafeMutablePointer<Float> {
      workspace.start.assumingMemoryBound(to: Float.self)
    }
    private func sums(of span: Int) -> UnsafeMutablePointer<Float> {
      floats + pool.threads * space.threadEnd + span * space.spanEnd
    }

    private func attend(
      _ span: Span, _ own: UnsafeMutablePointer<Float>, _ result: UnsafeMutablePointer<Float>
    ) {
      let (rows, filled) = (problem.rows, problem.layout.filledDepth)
      let context = problem.contexts[span.sequence]
      if span.tokens.upperBound > context { store(span, own) }
      gather(span, own)
      loops.keys.ready(
        own + space.gathered, Int32(rows), Int64(problem.headDim),
        Float(problem.scale * 1.442695040888963), own + space.ready)
      (result + space.most).update(repeating: -1e30, count: rows)
      (result + space.sum).update(repeating: 0, count: rows)
      (result + space.sums).update(repeating: 0, count: rows * filled)
      for from in stride(
        from: span.tokens.lowerBound / space.chunk * space.chunk, to: span.tokens.upperBound,
        by: space.chunk)
      {
        let tokens =
          max(from, span.tokens.lowerBound)..<min(from + space.chunk, span.tokens.upperBound)
        for row in stride(from: 0, to: rows, by: Space.tileRows) {
          attend(span, tokens, row..<min(rows, row + Space.tileRows), own, result)
        }
      }
    }

    /// A few rows of queries to a chunk of tokens.
    private func attend(
      _ span: Span, _ tokens: Range<Int>, _ rows: Range<Int>, _ own: UnsafeMutablePointer<Float>,
      _ result: UnsafeMutablePointer<Float>
    ) {
      let layout = problem.layout
      let (width, filled) = (layout.width, layout.filledDepth)
      let row = rows.lowerBound
      var first = SIMD4<Int32>(repeating: 1)
      var last = SIMD4<Int32>(repeating: 0)
      guard limit(span, tokens, rows, &first, &last) else { return }
      let blocks = blocks[span.sequence]
      let perHead = blocks.count / problem.kvHeads
      let start = span.head * perHead + tokens.lowerBound / width
      let count = (tokens.count + width - 1) / width
      let scores = own + space.scores
      let queryBytes = problem.headDim * Int(loops.keys.query_bytes) / 32
      for index in 0..<count {
        guard let block = blocks[start + index] else { continue }
        loops.keys.scores(
          block.keys, Int32(width), Int64(problem.headDim),
          UnsafeRawPointer(own + space.ready) + row * queryBytes, Int32(rows.count),
          scores + index * width, Int64(space.chunk))
      }
      withUnsafePointer(to: &first) { first in
        withUnsafePointer(to: &last) { last in
          loops.step.soften(
            scores, Int64(space.chunk), Int64(count * width), Int32(rows.count),
            UnsafeRawPointer(first).assumingMemoryBound(to: Int32.self),
            UnsafeRawPointer(last).assumingMemoryBound(to: Int32.self),
            result + space.most + row, result + space.sum + row,
            result + space.sums + row * filled, Int64(problem.headDim))
        }
      }
      for index in 0..<count {
        guard let block = blocks[start + index] else { continue }
        loops.values.add(
          block.values, Int32(width), Int32(min(width, tokens.count - index * width)),
          Int64(problem.headDim), scores + index * width, Int64(space.chunk), Int32(rows.count),
          result + space.sums + row * filled)
      }
    }

    /// The first and last token of a chunk that each row sees.
    ///
    /// - Returns: whether any sees any.
    private func limit(
      _ span: Span, _ tokens: Range<Int>, _ rows: Range<Int>, _ first: inout SIMD4<Int32>,
      _ last: inout SIMD4<Int32>
    ) -> Bool {
      let mask = problem.mask.value
      let context = problem.contexts[span.sequence]
      var seesAny = false
      for (index, row) in rows.enumerated() {
        let position = context + row / problem.group
        if mask == .blocks,
          !AttentionMask.seesBlock(
            tokens.lowerBound / AttentionMask.blockTokens,
            from: position / AttentionMask.blockTokens)
        {
          continue
        }
        let seen = mask.stretch(from: position, of: context + problem.newTokens)
        first[index] = Int32(max(seen.lowerBound, tokens.lowerBound) - tokens.lowerBound)
        last[index] = Int32(min(seen.upperBound, tokens.upperBound - 1) - tokens.lowerBound)
        if first[index] <= last[index] { seesAny = true }
      }
      return seesAny
    }

    /// Queries of one head of keys, row after row, turned where they are.
    private func gather(_ span: Span, _ own: UnsafeMutablePointer<Float>) {
      let (depth, group) = (problem.headDim, problem.group)
      let q = operands.q.pointer(to: Float.self)
      for token in 0..<problem.newTokens {
        let index = span.sequence * problem.newTokens + token
        let from = q + (index * problem.heads + span.head * group) * depth
        let to = own + space.gathered + token * group * depth
        guard let table else {
          to.update(from: from, count: group * depth)
          continue
        }
        for head in 0..<group {
          table.turn(from + head * depth, by: index, to: to + head * depth)
        }
      }
    }

    /// The span's new tokens' keys and values, to their places in the cache.
    private func store(_ span: Span, _ own: UnsafeMutablePointer<Float>) {
      let layout = problem.layout
      let blocks = blocks[span.sequence]
      let perHead = blocks.count / problem.kvHeads
      let context = problem.contexts[span.sequence]
      for token in 0..<problem.newTokens {
        let position = context + token
        guard span.tokens.contains(position),
          let block = blocks[span.head * perHead + position / layout.width]
        else { continue }
        let index = span.sequence * problem.newTokens + token
        let offset = (index * problem.kvHeads + span.head) * problem.headDim
        var key = newK.pointer(to: Float.self) + offset
        if let table {
          table.turn(key, by: index, to: own + space.key)
          key = own + space.key
        }
        // A page begins with a block, so that the place in one is the same in both.
        let place = Int32(position % layout.width)
        loops.keys.store(key, Int64(problem.headDim), Int32(layout.width), place, block.keys)
        loops.values.store(
          newV.pointer(to: Float.self) + offset, Int64(problem.headDim), Int32(layout.width),
          place, block.values)
      }
    }

    /// The result of one head of one sequence.
    private func combine(_ unit: Range<Int>) {
      let span = division.spans[unit.lowerBound]
      let (depth, group) = (problem.headDim, problem.group)
      let from = sums(of: unit.lowerBound)
      let o = operands.o.pointer(to: Float.self)
      for row in 0..<problem.rows {
        let token = span.sequence * problem.newTokens + row / group
        let head = span.head * group + row % group
        loops.step.combine(
          from + space.sums + row * problem.layout.filledDepth, from + space.most + row,
          from + space.sum + row, Int64(unit.count), Int64(space.spanEnd), Int64(depth),
          o + (token * problem.heads + head) * depth)
      }
    }
  }
}

extension AttentionDecode.Problem {
  /// The angles of all new tokens, sequence after sequence; none where nothing is turned.
  func newTable(turn: @escaping hr_turn, in ledger: MemoryLedger) throws -> RotaryTable? {
    guard rope != .none else { return nil }
    return try RotaryTable(
      angles: angles, layout: rope, positions: newPositions, turn: turn, in: ledger)
  }

  var newPositions: [Int] { contexts.flatMap { $0..<$0 + newTokens } }
}
