import CMicrokernels
import Quantities

/// Quantized weights as panels' loops read them: panel × group × (header, sub-blocks of 32 k).
final class QuantizedPanels {
  let loops: hr_quantized_kernels
  let layout: Layout
  private let memory: Allocation

  /// How large panels are.
  struct Layout: Hashable {
    let n: Int
    let k: Int
    /// Weights of a row in a group, and groups of a row.
    let group: Int
    let groups: Int
    let columns: Int
    let headerBytes: Int
    let subBlockBytes: Int
    /// Of 32 rounded activations of a row.
    let activationBytes: Int

    init(_ format: WeightFormat, n: Int, k: Int, _ loops: hr_quantized_kernels) {
      self.n = n
      self.k = k
      group = PanelFormat(format, columns: k).group
      groups = (k + group - 1) / group
      columns = Int(loops.columns)
      headerBytes = Int(loops.header) * columns
      subBlockBytes = 32 * Int(loops.bits) * columns / 8
      activationBytes = Int(loops.row_bytes)
    }

    var subBlocks: Int { group / 32 }
    var groupBytes: Int { headerBytes + subBlocks * subBlockBytes }
    var panels: Int { (n + columns - 1) / columns }
    /// Outputs of a panel that there are.
    func columns(of panel: Int) -> Int { min(columns, n - panel * columns) }
    var bytes: Bytes { Bytes(panels * groups * groupBytes) }
  }

  /// - Parameter weights: n × k in the product's format.
  init(
    _ product: Matmul, _ weights: Tensor, _ loops: hr_quantized_kernels, _ execution: Execution
  ) throws {
    self.loops = loops
    layout = Layout(product.weights, n: product.n, k: product.k, loops)
    memory = try execution.ledger.allocate(layout.bytes, role: .weights)
    let matrix = product.weights.weights(
      at: weights.start, rows: product.n, columns: product.k)
    guard let matrix else { preconditionFailure("panels of codes are made of codes") }
    execution.fill(Packing(self, matrix, weights))
  }

  private init(_ other: QuantizedPanels, _ memory: Allocation) {
    (loops, layout) = (other.loops, other.layout)
    self.memory = memory
  }

  /// The same weights elsewhere in memory.
  func copy(in ledger: MemoryLedger) throws -> QuantizedPanels {
    QuantizedPanels(self, try ledger.copy(of: memory, role: .weights))
  }

  /// The groups of a panel from one on.
  func place(panel: Int, group: Int = 0) -> UnsafeMutableRawPointer {
    memory.start + (panel * layout.groups + group) * layout.groupBytes
  }

  private final class Packing: ParallelTask {
    let panels: QuantizedPanels
    let weights: any QuantizedWeights
    /// Where they lie.
    let tensor: Tensor

    init(_ panels: QuantizedPanels, _ weights: any QuantizedWeights, _ tensor: Tensor) {
      self.panels = panels
      self.weights = weights
      self.tensor = tensor
    }

    func run(part: Int, of parts: Int) { pack(weights, part, parts) }

    private func pack(_ weights: some QuantizedWeights, _ part: Int, _ parts: Int) {
      let (layout, loops) = (panels.layout, panels.loops)
      // The codes of a group's outputs, output × k, then of one sub-block, as the loops take them.
      withUnsafeTemporaryAllocation(
        of: UInt8.self, capacity: layout.columns * (layout.group + 32)
      ) { buffer in
        guard let codes = buffer.baseAddress else { return }
        // Outputs that there are not have codes of 0, times scales of 0.
        buffer.initialize(repeating: 0)
        let subBlock = codes + layout.columns * layout.group
        for panel in split(layout.panels, part: part, of: parts) {
          for group in 0..<layout.groups {
            let place = panels.place(panel: panel, group: group)
            let header = PanelHeader(start: place, columns: layout.columns)
            for column in 0..<layout.columns(of: panel) {
              weights.pack(
                row: panel * layout.columns + column, from: group * layout.group,
                count: layout.group, codes: codes + column * layout.group, column: column,
                header: header)
            }
            for index in 0..<layout.subBlocks {
              for column in 0..<layout.columns {
                (subBlock + column * 32).update(
                  from: codes + column * layout.group + index * 32, count: 32)
              }
              loops.pack_codes(
                subBlock, loops.bits,
                place + layout.headerBytes + index * layout.subBlockBytes)
            }
          }
        }
      }
    }
  }
}
