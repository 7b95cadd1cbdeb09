import Foundation
import Kernels
import Quantities
import Testing

@Suite struct GPTQTests {
  /// GPTQ in NumPy and fp64: see `Golden/gptq.py`.
  private struct Golden: Decodable {
    let rows: Int
    let columns: Int
    let weights: [Float]
    let inputs: [Float]
    let codes: [String: [Int]]
  }

  private let golden: Golden

  init() throws {
    let url = try #require(Bundle.module.url(forResource: "gptq", withExtension: "json"))
    golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }

  private func matrix<Result>(
    _ format: WeightFormat, _ body: (any QuantizedWeights) throws -> Result
  ) throws -> Result {
    let bytes = format.bytes(rows: golden.rows, columns: golden.columns).count
    let start = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer { start.deallocate() }
    start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    return try body(
      try #require(format.weights(at: start, rows: golden.rows, columns: golden.columns)))
  }

  /// As a panel takes them, group by group.
  private func codes(of row: Int, _ matrix: any QuantizedWeights) -> [Int] {
    stride(from: 0, to: golden.columns, by: 32).flatMap { start in
      withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { buffer in
        guard let header = buffer.baseAddress else { return [Int]() }
        let codes = (header + 32).assumingMemoryBound(to: UInt8.self)
        matrix.pack(
          row: row, from: start, count: 32, codes: codes, column: 0,
          header: PanelHeader(start: header, columns: 1))
        return (0..<32).map { Int(codes[$0]) }
      }
    }
  }

  private static func format(_ type: ElementType, hasZeroPoint: Bool = false) -> WeightFormat {
    WeightFormat(type, group: 32, hasZeroPoint: hasZeroPoint)
  }

  @Test(arguments: [ElementType.int3, .int4, .int8], [false, true])
  func `codes are those of NumPy, in either order`(type: ElementType, hasZeroPoint: Bool) throws {
    for (order, name) in [(GPTQ.ColumnOrder.natural, "natural"), (.activation, "activation")] {
      let stored = try matrix(Self.format(type, hasZeroPoint: hasZeroPoint)) { matrix in
        try GPTQ(order: order).quantize(golden.weights, inputs: golden.inputs, into: matrix)
        return (0..<golden.rows).flatMap { codes(of: $0, matrix) }
      }
      #expect(
        stored == golden.codes["\(type.rawValue) \(hasZeroPoint ? "stored" : "none") \(name)"])
    }
  }

  /// Inputs that are correlated are what GPTQ gains from.
  @Test(arguments: [ElementType.int3, .int4, .int8], [false, true])
  func `outputs err by less than 0.6 of rounding to the nearest`(
    type: ElementType, hasZeroPoint: Bool
  ) throws {
    func error(_ store: (any QuantizedWeights) throws -> Void) throws -> Double {
      try matrix(Self.format(type, hasZeroPoint: hasZeroPoint)) { matrix in
        try store(matrix)
        return GPTQ.outputError(
          of: matrix, rows: golden.rows, golden.weights, inputs: golden.inputs)
      }
    }
    let nearest = try error { matrix in
      try matrix.quantize { row, to in
        for column in 0..<golden.columns {
          to[column] = golden.weights[row * golden.columns + column]
        }
      }
    }
    let moved = try error {
      try GPTQ().quantize(golden.weights, inputs: golden.inputs, into: $0)
    }
    #expect(moved < 0.6 * nearest, "\(moved) against \(nearest)")
  }

  @Test func `a weight that is no number is told by its place`() throws {
    var weights = golden.weights
    weights[golden.columns + 3] = .nan
    #expect(throws: WeightFault.notFinite(row: 1, column: 3, value: "nan")) {
      try matrix(Self.format(.int4)) {
        try GPTQ().quantize(weights, inputs: golden.inputs, into: $0)
      }
    }
  }

  @Test func `inputs that are no numbers are refused with the mend`() throws {
    var inputs = golden.inputs
    inputs[0] = .nan
    #expect(throws: GPTQFault.self) {
      try matrix(Self.format(.int4)) {
        try GPTQ().quantize(golden.weights, inputs: inputs, into: $0)
      }
    }
  }
}
