import Quantities

/// Weights as trained ones look: nearly normal, with a scale for each output.
///
/// Rows repeat with a period that shares no factor with any panel's width, so that large matrices
/// are made in the time of a copy, and no two results that a tile might swap are the same.
package struct WeightSource: Sendable {
  package let columns: Int
  package let seed: UInt64

  /// Rows after which they repeat.
  package static let period = 61

  /// The same columns and seed give the same weights.
  package init(columns: Int, seed: UInt64) {
    self.columns = columns
    self.seed = seed
  }

  /// One row, made anew.
  package func row(_ index: Int) -> [Float] {
    var weights = [Float](repeating: 0, count: columns)
    weights.withUnsafeMutableBufferPointer { buffer in
      if let start = buffer.baseAddress { fill(index, start) }
    }
    return weights
  }

  func fill(_ index: Int, _ weights: UnsafeMutablePointer<Float>) {
    let row = UInt32(index % Self.period)
    let mixed = hash32(UInt32(truncatingIfNeeded: seed >> 32), UInt32(truncatingIfNeeded: seed))
    // From 0.01 to 0.03, as the weights of models of a few billion parameters have it.
    let scale = 0.01 + 0.02 * Float(hash32(mixed, row) >> 8) * 0x1p-24
    let stream = hash32(mixed &+ 1, row)
    for column in 0..<columns {
      let bits = hash32(stream, UInt32(2 * column))
      let more = hash32(stream, UInt32(2 * column + 1))
      // The sum of four uniform numbers, less its mean, over its deviation of 2¹⁶ / √3.
      let sum = Int(bits & 0xFFFF) + Int(bits >> 16) + Int(more & 0xFFFF) + Int(more >> 16)
      weights[column] = scale * Float(sum - 2 * 0xFFFF) * (1.7320508 / 65536)
    }
  }

  /// The matrix, rows × columns, stored in a format.
  ///
  /// - Throws: `LedgerFault` where it does not fit.
  package func tensor(_ format: WeightFormat, rows: Int, in ledger: MemoryLedger) throws -> Tensor {
    let bytes = format.bytes(rows: rows, columns: columns)
    let tensor = Tensor(
      format.elementType, [rows, columns], try ledger.allocate(bytes, role: .weights))
    guard !tensor.isPlan else { return tensor }
    let distinct = min(rows, Self.period)
    guard let weights = format.weights(at: tensor.start, rows: rows, columns: columns) else {
      fillPlain(tensor, rows: rows)
      return tensor
    }
    // Scales that depend on all rows leave nothing to copy.
    guard let rowBytes = format.rowBytes(columns: columns) else {
      try withUnsafeTemporaryAllocation(of: Float.self, capacity: distinct * columns) { cache in
        guard let cache = cache.baseAddress else { return }
        for row in 0..<distinct { fill(row, cache + row * columns) }
        try weights.quantize { row, to in
          to.update(from: cache + row % Self.period * columns, count: columns)
        }
      }
      return tensor
    }
    try format.weights(at: tensor.start, rows: distinct, columns: columns)?.quantize(fill)
    repeatRows(tensor.start, rows: rows, rowBytes: rowBytes)
    return tensor
  }

  /// Fills a tensor of rows × columns in fp32, fp16 or bf16, rounding to the nearest; one that is only
  /// planned has nothing to fill.
  package func fillPlain(_ tensor: Tensor, rows: Int) {
    guard !tensor.isPlan else { return }
    let distinct = min(rows, Self.period)
    for row in 0..<distinct {
      for (column, weight) in self.row(row).enumerated() {
        let index = row * columns + column
        switch tensor.elementType {
        case .fp16: tensor.pointer(to: UInt16.self)[index] = Float16Bits.bits(weight)
        case .bf16: tensor.pointer(to: UInt16.self)[index] = BFloat16Bits.bits(weight)
        default: tensor.pointer(to: Float.self)[index] = weight
        }
      }
    }
    repeatRows(
      tensor.start, rows: rows, rowBytes: tensor.elementType.bytes(of: columns).count)
  }

  private func repeatRows(_ start: UnsafeMutableRawPointer, rows: Int, rowBytes: Int) {
    for row in stride(from: Self.period, to: rows, by: Self.period) {
      (start + row * rowBytes).copyMemory(
        from: start, byteCount: min(Self.period, rows - row) * rowBytes)
    }
  }
}

extension WeightFormat {
  /// Bytes of a row that can be stored by itself; nil where rows share something.
  package func rowBytes(columns: Int) -> Int? {
    elementType.blockFormat == nil ? nil : elementType.bytes(of: columns).count
  }
}

extension Tensor {
  /// One row of weights in fp32, whatever they are stored as.
  package func row(_ index: Int, of format: WeightFormat) -> [Float] {
    guard let weights = format.weights(at: start, rows: rows, columns: columns) else {
      return (index * columns..<(index + 1) * columns).map { self[$0] }
    }
    return [Float](unsafeUninitializedCapacity: columns) { buffer, count in
      if let start = buffer.baseAddress { weights.dequantize(row: index, into: start) }
      count = columns
    }
  }
}
