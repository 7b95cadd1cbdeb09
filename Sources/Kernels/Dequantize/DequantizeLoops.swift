import CMicrokernels

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

extension IntegerWeights {
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
