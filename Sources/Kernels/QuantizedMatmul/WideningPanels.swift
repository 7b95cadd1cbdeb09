import CMicrokernels
import Quantities

/// Panels in fp32, made of quantized ones whenever a product comes to them.
final class WideningPanels: PanelSource {
  private let panels: QuantizedPanels
  private let scratch: Allocation
  private let scratchBytes: Int
  let areInMemory = false

  init(_ panels: QuantizedPanels, depth: Int, execution: Execution) throws {
    self.panels = panels
    scratchBytes = Self.bytes(columns: panels.layout.columns, depth: depth)
    scratch = try execution.ledger.allocate(
      Bytes(execution.pool.threads * scratchBytes), role: .workspace)
  }

  private init(_ other: WideningPanels, _ panels: QuantizedPanels) {
    (scratch, scratchBytes) = (other.scratch, other.scratchBytes)
    self.panels = panels
  }

  func copy(in ledger: MemoryLedger) throws -> any PanelSource {
    WideningPanels(self, try panels.copy(in: ledger))
  }

  /// For one part.
  static func bytes(columns: Int, depth: Int) -> Int { columns * depth * 4 }

  func panel(_ index: Int, depth: Range<Int>, part: Int) -> UnsafeRawPointer {
    let layout = panels.layout
    let place = scratch.start + part * scratchBytes
    panels.loops.widen(
      panels.place(panel: index, group: depth.lowerBound / layout.group),
      Int64((depth.count + layout.group - 1) / layout.group), Int32(layout.subBlocks),
      place.assumingMemoryBound(to: Float.self))
    return UnsafeRawPointer(place)
  }
}
