import Foundation
import Kernels
import Quantities
import Testing

@Suite struct WeightFaultTests {
  static let quantized = ElementType.allCases.filter { FloatFormat(rawValue: $0.rawValue) == nil }

  private func stored(
    _ type: ElementType, _ weights: [Float], rows: Int
  ) throws -> (any QuantizedWeights, UnsafeMutableRawPointer) {
    let columns = weights.count / rows
    let format = WeightFormat.usual(type)
    let start = UnsafeMutableRawPointer.allocate(
      byteCount: format.bytes(rows: rows, columns: columns).count, alignment: 64)
    let matrix = try #require(format.weights(at: start, rows: rows, columns: columns))
    do {
      try matrix.quantize { row, to in
        for column in 0..<columns { to[column] = weights[row * columns + column] }
      }
    } catch {
      start.deallocate()
      throw error
    }
    return (matrix, start)
  }

  private func back(_ type: ElementType, _ weights: [Float], rows: Int = 1) throws -> [Float] {
    let (matrix, start) = try stored(type, weights, rows: rows)
    defer { start.deallocate() }
    let columns = weights.count / rows
    var values = [Float](repeating: .nan, count: weights.count)
    for row in 0..<rows {
      values.withUnsafeMutableBufferPointer { buffer in
        if let to = buffer.baseAddress { matrix.dequantize(row: row, into: to + row * columns) }
      }
    }
    return values
  }

  @Test(arguments: quantized, [Float.nan, .infinity, -.infinity])
  func `a weight that is no number is told by its place`(type: ElementType, bad: Float) {
    var weights = [Float](repeating: 0.5, count: 3 * 256)
    weights[2 * 256 + 77] = bad
    #expect(throws: WeightFault.notFinite(row: 2, column: 77, value: "\(bad)")) {
      try stored(type, weights, rows: 3)
    }
  }

  /// nf4's scale is the weight itself; the others' are fp16, whose largest is 65504, or times 127.
  @Test(arguments: quantized)
  func `the largest finite weight is refused where its scale cannot be stored`(type: ElementType)
    throws
  {
    let weights = [Float](repeating: .greatestFiniteMagnitude, count: 256)
    if type == .nf4 {
      #expect(try back(type, weights).allSatisfy { $0.isFinite })
    } else {
      let fault = WeightFault.beyondScale(
        row: 0, magnitude: .greatestFiniteMagnitude, elementType: type)
      #expect(throws: fault) { try stored(type, weights, rows: 1) }
    }
  }

  @Test(arguments: quantized, [Float(0), 0x1p-149, -0x1p-149, 0x1p-127, 65504, -65504])
  func `zeros, subnormals and fp16's largest come back finite and near`(
    type: ElementType, weight: Float
  ) throws {
    let values = try back(type, [Float](repeating: weight, count: 256))
    // Of 256 equal weights each is the largest of its block: off by half a step of the coarsest.
    let limit = abs(weight) * 0.5 + 1e-7
    #expect(values.allSatisfy { abs($0 - weight) <= limit })
  }
}
