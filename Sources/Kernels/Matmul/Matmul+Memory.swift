import CMicrokernels
package import Quantities

/// What a product takes besides its operands, without a ledger: as much as packing and workspaces ask one for.
extension Matmul {
  /// Bytes of the packed weights; nil where kernels read them as they were given.
  package var packedBytes: Bytes? {
    switch method {
    case .tiles(let loops): loops.panelBytes(n: n, k: k)
    case .integers(let loops), .widening(let loops, _): layout(loops).bytes
    case .rows: nil
    }
  }

  /// Bytes of what kernels of so many rows need besides weights and operands.
  ///
  /// - Parameter maxRows: the number of rows that the weights were packed for.
  package func workspaceBytes(rows m: Int, maxRows: Int, threads: Int) -> Bytes {
    switch method {
    case .tiles(let loops):
      let packed = blocking(maxRows: maxRows, loops)
      return TiledMatmul.Space.bytes(
        Blocking(packed, m: m, loops: loops), loops, threads: threads)
    case .integers(let loops):
      let cut = IntegerMatmul.Cut(m: m, layout: layout(loops))
      return cut.roundedBytes + cut.allSums(threads: threads)
    case .widening(let panels, let loops):
      let layout = layout(panels)
      let blocking = blocking(widening: layout, rows: m, loops)
      return TiledMatmul.Space.bytes(blocking, loops, threads: threads)
        + WideningPanels.Space.bytes(
          columns: layout.columns, kCount: blocking.kCount, threads: threads)
    case .rows:
      return RowMatmul.Space.roundedBytes(m: m, self)
        + RowMatmul.Space.rowBytes(self, threads: threads)
    }
  }

  /// Floats that unpacking a row of weights takes: all of its panel's.
  package var rowScratch: Int {
    switch method {
    case .integers(let loops), .widening(let loops, _):
      let layout = layout(loops)
      return layout.groups * layout.group * layout.columns
    case .tiles, .rows: return 0
    }
  }

  private func layout(_ loops: hr_quantized_kernels) -> QuantizedPanels.Layout {
    QuantizedPanels.Layout(weights, n: n, k: k, loops)
  }

  /// How panels of plain weights are cut for so many rows at the most.
  func blocking(maxRows: Int, _ loops: hr_matmul_kernels) -> Blocking {
    Blocking(m: maxRows, k: k, loops: loops)
  }

  /// How a product is cut whose panels are made of quantized ones as it comes to them.
  func blocking(
    widening layout: QuantizedPanels.Layout, rows: Int, _ loops: hr_matmul_kernels
  ) -> Blocking {
    Blocking(m: rows, k: k, loops: loops, grain: layout.group, keepsPanel: true)
  }
}
