import CMicrokernels
import Quantities

/// Panels in fp32, made of quantized ones whenever a product comes to them.
final class WideningPanels: PanelSource {
  private let panels: QuantizedPanels
  private let space: Space
  let areInMemory = false

  /// A panel for each thread.
  final class Space {
    fileprivate let scratch: Allocation
    fileprivate let bytes: Int

    init(columns: Int, kCount: Int, _ execution: Execution) throws {
      bytes = Self.bytes(columns: columns, kCount: kCount, threads: 1).count
      scratch = try execution.ledger.allocate(
        Self.bytes(columns: columns, kCount: kCount, threads: execution.threads), role: .workspace)
    }

    static func bytes(columns: Int, kCount: Int, threads: Int) -> Bytes {
      ElementType.fp32.bytes(of: threads * columns * kCount)
    }
  }

  init(_ panels: QuantizedPanels, _ space: Space) {
    self.panels = panels
    self.space = space
  }

  func panel(_ index: Int, k: Range<Int>, part: Int) -> UnsafeRawPointer {
    let layout = panels.layout
    let place = space.scratch.start + part * space.bytes
    panels.loops.widen(
      panels.place(panel: index, group: k.lowerBound / layout.group),
      Int64((k.count + layout.group - 1) / layout.group), Int32(layout.subBlocks),
      place.assumingMemoryBound(to: Float.self))
    return UnsafeRawPointer(place)
  }
}
