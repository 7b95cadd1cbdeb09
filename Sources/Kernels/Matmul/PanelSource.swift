import CMicrokernels
import Quantities

/// Where the tiles of a product find its weights: panels of tile columns, cut along k.
protocol PanelSource: AnyObject {
  /// Steps × columns, as `hr_matmul_kernels.multiply` reads them; valid until the same part takes
  /// its next panel.
  func panel(_ index: Int, k: Range<Int>, part: Int) -> UnsafeRawPointer
  /// Whether a panel is followed in memory by the next one, and not made when it is taken.
  var areInMemory: Bool { get }
}

/// Panels packed ahead, in the order in which they are read: cut of k × panel × step ×
/// column. The tensor that they were made of is not kept: an engine would not, either.
final class StoredPanels: PanelSource {
  private let n: Int
  private let k: Int
  private let loops: hr_matmul_kernels
  private let blocking: Matmul.Blocking
  private let memory: Allocation
  let areInMemory = true

  /// - Parameter weights: n × k, stored as the loops read `b`.
  init(
    n: Int, k: Int, _ weights: Tensor, loops: hr_matmul_kernels, blocking: Matmul.Blocking,
    execution: Execution
  ) throws {
    self.n = n
    self.k = k
    self.loops = loops
    self.blocking = blocking
    memory = try execution.ledger.allocate(loops.panelBytes(n: n, k: k), role: .weights)
    execution.fill(Packing(self, weights))
  }

  private init(_ other: StoredPanels, _ memory: Allocation) {
    (n, k) = (other.n, other.k)
    loops = other.loops
    blocking = other.blocking
    self.memory = memory
  }

  /// The same weights elsewhere in memory.
  func copy(in ledger: MemoryLedger) throws -> StoredPanels {
    StoredPanels(self, try ledger.copy(of: memory, role: .weights))
  }

  func panel(_ index: Int, k: Range<Int>, part: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(place(index, k: k))
  }

  /// All cuts before one are whole.
  private func place(_ index: Int, k: Range<Int>) -> UnsafeMutableRawPointer {
    memory.start + loops.panelBytes(kCount: k.lowerBound) * loops.panels(of: n)
      + index * loops.panelBytes(kCount: k.count)
  }

  /// One output's weights, as they were before they were packed.
  func row(_ index: Int, format: ElementType, into row: UnsafeMutablePointer<Float>) {
    let (columns, step) = (Int(loops.tile_columns), Int(loops.step))
    for cut in blocking.cuts(of: k) {
      let panel = place(index / columns, k: cut)
      for l in cut {
        let inside = l - cut.lowerBound
        let place = (inside / step * columns + index % columns) * step + inside % step
        switch format {
        case .fp16:
          row[l] = Float16Bits.float(panel.assumingMemoryBound(to: UInt16.self)[place])
        case .bf16:
          row[l] = BFloat16Bits.float(panel.assumingMemoryBound(to: UInt16.self)[place])
        default: row[l] = panel.assumingMemoryBound(to: Float.self)[place]
        }
      }
    }
  }

  /// Each part its own panels.
  private final class Packing: ParallelTask {
    let panels: StoredPanels
    let weights: Tensor

    init(_ panels: StoredPanels, _ weights: Tensor) {
      self.panels = panels
      self.weights = weights
    }

    func run(part: Int, of parts: Int) {
      let (n, k, loops) = (panels.n, panels.k, panels.loops)
      let tileColumns = Int(loops.tile_columns)
      for cut in panels.blocking.cuts(of: k) {
        for index in split(loops.panels(of: n), part: part, of: parts) {
          loops.pack_b(
            weights.pointer(row: index * tileColumns, column: cut.lowerBound), Int64(k),
            panels.place(index, k: cut), Int64(cut.count),
            Int32(min(tileColumns, n - index * tileColumns)))
        }
      }
    }
  }
}

extension hr_matmul_kernels {
  func panels(of n: Int) -> Int { (n + Int(tile_columns) - 1) / Int(tile_columns) }

  /// Bytes of one panel of so many k.
  func panelBytes(kCount: Int) -> Int {
    (kCount + Int(step) - 1) / Int(step) * Int(tile_columns) * Int(step_bytes)
  }

  /// Bytes of all panels.
  func panelBytes(n: Int, k: Int) -> Bytes {
    let steps = (k + Int(step) - 1) / Int(step)
    return Bytes(roundUp(n, to: Int(tile_columns)) * steps * Int(step_bytes))
  }

  /// Bytes of a packed row of `a` of so many k.
  func rowBytes(kCount: Int) -> Int { (kCount + Int(step) - 1) / Int(step) * Int(a_step_bytes) }
}
