import CMicrokernels
import Quantities

extension Dequantize {
  package static var variants: [Variant<Dequantize>] {
    [variant("reference", .reference, .portable)]
      + InstructionSet.having(.dequantize).map { variant($0.rawValue, .own, $0) }
  }

  private static func variant(
    _ name: String, _ kind: VariantKind, _ set: InstructionSet
  ) -> Variant<Dequantize> {
    Variant(name: name, kind: kind, requirements: set.requirements) {
      problem, operands, execution in
      RowsKernel(problem, operands, DequantizeLoops(set), execution)
    }
  }

  /// Each part its own rows.
  private final class RowsKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let operands: Operands
    private let loops: DequantizeLoops?
    private let pool: ThreadPool
    /// Whether the output is stored around the caches: it is larger than all that could keep it.
    private let nonTemporal: Bool

    init(
      _ problem: Problem, _ operands: Operands, _ loops: DequantizeLoops?, _ execution: Execution
    ) {
      self.problem = problem
      self.operands = operands
      self.loops = loops
      pool = execution.pool
      nonTemporal =
        problem.k % (cacheLine / 4) == 0
        && operands.values.bytes > CacheSizes.current.l2 * (2 * execution.pool.threads)
    }

    func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
      let copies = Operands(
        weights: try ledger.copy(of: operands.weights, role: .weights),
        values: try ledger.copy(of: operands.values, role: .activations))
      return RowsKernel(problem, copies, loops, Execution(ledger: ledger, pool: pool))
    }

    func run() { pool.run(self) }

    /// Sixteen outputs fill the widest vector; AWQ's words hold eight.
    private func grain(parts: Int) -> Int {
      let share = min(16, max(1, problem.n / parts))
      return problem.packing == .awq ? roundUp(share, to: 8) : share
    }

    func run(part: Int, of parts: Int) {
      let rows = split(problem.n, part: part, of: parts, grain: grain(parts: parts))
      let values = operands.values.pointer(to: Float.self)
      let weights = problem.weightFormat.weights(
        at: operands.weights.start, rows: problem.n, columns: problem.k)
      guard let weights else { return widen(rows, values) }
      if let loops, weights.dequantize(rows: rows, into: values, loops, nonTemporal: nonTemporal) {
        return
      }
      for row in rows { weights.dequantize(row: row, into: values + row * problem.k) }
    }

    /// Plain numbers.
    private func widen(_ rows: Range<Int>, _ values: UnsafeMutablePointer<Float>) {
      for index in rows.lowerBound * problem.k..<rows.upperBound * problem.k {
        values[index] = operands.weights[index]
      }
    }
  }
}

/// The loops of one set of instructions.
package struct DequantizeLoops: Sendable {
  let blocks: @Sendable (PanelFormat) -> hr_dequantize?
  let others: hr_dequantize_loops

  /// Nil where plain Swift has to serve.
  init?(_ set: InstructionSet) {
    guard let others = set.dequantizeOthers() else { return nil }
    self.others = others
    blocks = { set.dequantize($0) }
  }
}

extension BlockWeights {
  func dequantize(
    rows: Range<Int>, into values: UnsafeMutablePointer<Float>, _ loops: DequantizeLoops,
    nonTemporal: Bool
  ) -> Bool {
    guard let loop = loops.blocks(panelFormat) else { return false }
    loop(
      start + rows.lowerBound * rowBytes, Int64(rows.count * columns / F.blockLength),
      values + rows.lowerBound * columns, nonTemporal ? 1 : 0)
    return true
  }
}

extension NF4 {
  func dequantize(
    rows: Range<Int>, into values: UnsafeMutablePointer<Float>, _ loops: DequantizeLoops,
    nonTemporal: Bool
  ) -> Bool {
    let blocks = columns / Self.blockLength
    withUnsafeTemporaryAllocation(of: Float.self, capacity: blocks) { scales in
      guard let scales = scales.baseAddress else { return }
      for row in rows {
        for block in 0..<blocks { scales[block] = scale(row: row, block: block) }
        loops.others.nf4(
          UnsafeRawPointer(start + row * columns / 2).assumingMemoryBound(to: UInt8.self),
          scales, Int64(blocks), values + row * columns, nonTemporal ? 1 : 0)
      }
    }
    return true
  }
}

extension Integers {
  func dequantize(
    rows: Range<Int>, into values: UnsafeMutablePointer<Float>, _ loops: DequantizeLoops,
    nonTemporal: Bool
  ) -> Bool {
    guard let group = layout.group else {
      for row in rows {
        loops.others.bytes(
          UnsafeRawPointer(start + row * layout.columns).assumingMemoryBound(to: Int8.self),
          rowScale(row), Int64(layout.columns), values + row * layout.columns, nonTemporal ? 1 : 0)
      }
      return true
    }
    let zeros = (start + layout.zerosAt).assumingMemoryBound(to: UInt32.self)
    let words = layout.packing == .awq ? loops.others.words_awq : loops.others.words
    words?(
      UnsafeRawPointer(start).assumingMemoryBound(to: UInt32.self), Int32(layout.bits),
      Int64(layout.rows), Int64(rows.lowerBound), Int64(rows.count), Int64(layout.columns),
      Int64(group),
      UnsafeRawPointer(start + layout.scalesAt).assumingMemoryBound(to: UInt16.self),
      layout.hasZeroPoint ? UnsafePointer(zeros) : nil, Int64(layout.zeroWords), values,
      nonTemporal ? 1 : 0)
    return true
  }
}

/// Bytes of a line of every cache of the processors that kernels are written for.
private let cacheLine = 64
