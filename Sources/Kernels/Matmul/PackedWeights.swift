import CMicrokernels
import Quantities

/// The weights of one product, packed for its instructions, and the kernels that multiply with them.
///
/// Kernels of one number of rows that run one after the other, as a model's layers do, share a workspace.
package final class PackedWeights {
  package let product: Matmul
  private let store: Store

  private enum Store {
    case panels(StoredPanels, Matmul.Blocking)
    case integers(QuantizedPanels)
    case widening(QuantizedPanels)
    /// As they were given.
    case rows(Tensor)
  }

  /// Packs weights on all threads.
  ///
  /// - Parameters:
  ///   - weights: n × k in the product's format; not kept where panels are made of them.
  ///   - maxRows: the maximum number of rows that will be multiplied: panels of plain weights are cut for
  ///     them.
  /// - Throws: `LedgerFault` where the packed weights do not fit.
  package init(_ product: Matmul, _ weights: Tensor, maxRows: Int, _ execution: Execution) throws {
    self.product = product
    switch product.method {
    case .tiles(let loops):
      let blocking = product.blocking(maxRows: maxRows, loops)
      store = .panels(
        try StoredPanels(
          n: product.n, k: product.k, weights, loops: loops, blocking: blocking,
          execution: execution), blocking)
    case .integers(let loops):
      store = .integers(try QuantizedPanels(product, weights, loops, execution))
    case .widening(let loops, _):
      store = .widening(try QuantizedPanels(product, weights, loops, execution))
    case .rows: store = .rows(weights)
    }
  }

  private init(_ product: Matmul, _ store: Store) {
    self.product = product
    self.store = store
  }

  /// The same weights elsewhere in memory.
  func copy(in ledger: MemoryLedger) throws -> PackedWeights {
    let store: Store =
      switch self.store {
      case .panels(let panels, let blocking): .panels(try panels.copy(in: ledger), blocking)
      case .integers(let panels): .integers(try panels.copy(in: ledger))
      case .widening(let panels): .widening(try panels.copy(in: ledger))
      case .rows(let weights): .rows(try ledger.copy(of: weights, role: .weights))
      }
    return PackedWeights(product, store)
  }

  /// What kernels of so many rows need besides weights and operands.
  ///
  /// - Throws: `LedgerFault` where it does not fit.
  package func workspace(rows m: Int, _ execution: Execution) throws -> MatmulWorkspace {
    let space: MatmulWorkspace.Space =
      switch (store, product.method) {
      case (.panels(_, let blocking), .tiles(let loops)):
        .tiles(
          try TiledMatmul.Space(
            Matmul.Blocking(blocking, m: m, loops: loops), loops, execution), nil)
      case (.integers(let panels), _): .integers(try IntegerMatmul.Space(m: m, panels, execution))
      case (.widening(let panels), .widening(_, let loops)):
        try widening(panels, loops, rows: m, execution)
      default: .rows(try RowMatmul.Space(m: m, product, execution))
      }
    return MatmulWorkspace(rows: m, space: space, pool: execution.pool)
  }

  private func widening(
    _ panels: QuantizedPanels, _ loops: hr_matmul_kernels, rows m: Int, _ execution: Execution
  ) throws -> MatmulWorkspace.Space {
    let blocking = product.blocking(widening: panels.layout, rows: m, loops)
    return .tiles(
      try TiledMatmul.Space(blocking, loops, execution),
      try WideningPanels.Space(
        columns: panels.layout.columns, kCount: blocking.kCount, execution))
  }

  /// Makes the kernel that multiplies as many rows as the workspace is for.
  ///
  /// - Parameters:
  ///   - a: m × k as the product's activations are stored: fp32 where they are rounded.
  ///   - c: m × n in fp32.
  package func kernel(a: Tensor, c: Tensor, _ workspace: MatmulWorkspace) -> any Kernel {
    let (m, pool) = (workspace.rows, workspace.pool)
    return switch (store, workspace.space) {
    case (.panels(let panels, _), .tiles(let space, _)):
      TiledMatmul(
        m: m, product, a: a, c: c, panels: panels, space: space, weights: self,
        workspace: workspace)
    case (.widening(let panels), .tiles(let space, .some(let scratch))):
      TiledMatmul(
        m: m, product, a: a, c: c, panels: WideningPanels(panels, scratch), space: space,
        weights: self, workspace: workspace)
    case (.integers(let panels), .integers(let space)):
      IntegerMatmul(panels: panels, a: a, c: c, space: space, weights: self, workspace: workspace)
    case (.rows(let weights), .rows(let space)):
      RowMatmul(m: m, product, a: a, weights: weights, c: c, space: space, pool: pool)
    default: preconditionFailure("a workspace of another product")
    }
  }

  /// One output's weights in fp32, from wherever they are packed: an embedding's row.
  ///
  /// - Parameters:
  ///   - row: k floats.
  ///   - scratch: `rowScratch` floats.
  package func row(
    _ index: Int, into row: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let k = product.k
    switch store {
    case .integers(let panels), .widening(let panels):
      let columns = panels.layout.columns
      panels.loops.widen(
        panels.place(panel: index / columns), Int64(panels.layout.groups),
        Int32(panels.layout.subBlocks), scratch)
      for l in 0..<k { row[l] = scratch[l * columns + index % columns] }
    case .panels(let panels, _):
      panels.row(index, format: product.weights.elementType, into: row)
    case .rows(let weights):
      if let quantized = product.weights.weights(at: weights.start, rows: product.n, columns: k) {
        quantized.dequantize(row: index, into: row)
      } else {
        for l in 0..<k { row[l] = weights[index * k + l] }
      }
    }
  }

  /// Floats that unpacking a row takes: all of its panel's.
  package var rowScratch: Int { product.rowScratch }
}

/// What kernels of one product and number of rows need besides: those that run one after the other share
/// it.
package final class MatmulWorkspace {
  let rows: Int
  let space: Space
  let pool: ThreadPool

  enum Space {
    case tiles(TiledMatmul.Space, WideningPanels.Space?)
    case integers(IntegerMatmul.Space)
    case rows(RowMatmul.Space)
  }

  init(rows: Int, space: Space, pool: ThreadPool) {
    self.rows = rows
    self.space = space
    self.pool = pool
  }
}

extension Matmul {
  /// Makes a kernel with packed weights and a workspace of its own.
  ///
  /// - Parameters:
  ///   - a: m × k, as the activations are stored.
  ///   - weights: n × k in their format.
  ///   - c: m × n in fp32.
  /// - Throws: `LedgerFault` where packed weights or workspace do not fit.
  package func kernel(a: Tensor, weights: Tensor, c: Tensor, _ execution: Execution) throws
    -> any Kernel
  {
    let packed = try PackedWeights(self, weights, maxRows: a.rows, execution)
    return packed.kernel(a: a, c: c, try packed.workspace(rows: a.rows, execution))
  }
}
