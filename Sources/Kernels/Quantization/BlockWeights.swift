import Quantities

/// Rows of blocks, one after another.
struct BlockWeights<F: BlockFormat>: QuantizedWeights, @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  let rows: Int
  let columns: Int

  var rowBytes: Int { columns / F.blockLength * F.blockBytes }

  /// fp16's largest: scales and minima are stored so.
  private static var limit: Float { 65504 }

  func quantize(_ row: (Int, UnsafeMutablePointer<Float>) -> Void) throws {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { buffer in
      guard let weights = buffer.baseAddress else { return }
      for index in 0..<rows {
        row(index, weights)
        try validate(weights, count: columns, row: index, limit: Self.limit, F.elementType)
        for block in 0..<columns / F.blockLength {
          F.quantize(
            weights + block * F.blockLength, into: start + index * rowBytes + block * F.blockBytes)
        }
      }
    }
  }

  func dequantize(row: Int, into weights: UnsafeMutablePointer<Float>) {
    for block in 0..<columns / F.blockLength {
      F.dequantize(
        start + row * rowBytes + block * F.blockBytes, into: weights + block * F.blockLength)
    }
  }

  var panelFormat: PanelFormat { PanelFormat(F.elementType, group: F.blockLength) }

  func pack(
    row: Int, from: Int, count: Int, codes: UnsafeMutablePointer<UInt8>, column: Int,
    header: PanelHeader
  ) {
    let block = start + row * rowBytes + from / F.blockLength * F.blockBytes
    F.codes(block, into: codes)
    F.packScales(block, column: column, into: header)
  }
}

func blockWeights<F: BlockFormat>(
  _ format: F.Type, _ start: UnsafeMutableRawPointer, rows: Int, _ columns: Int
) -> any QuantizedWeights {
  BlockWeights<F>(start: start, rows: rows, columns: columns)
}
