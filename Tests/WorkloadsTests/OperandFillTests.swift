import Kernels
import Workloads
import Quantities
import Testing

struct OperandFillTests {
  private func filled(_ type: ElementType, seed: UInt64, count: Int = 10007) throws -> [Double] {
    let tensor = try MemoryLedger().tensor(type, [count], .weights)
    tensor.fillUniform(seed: seed)
    return tensor.doubles(0..<count)
  }

  /// The mean of n such values has a standard deviation of 1/√(3n), 0.006, and the mean square
  /// of √(4/45/n), 0.003, about 1/3: five of them are allowed.
  @Test(arguments: FloatFormat.allCases.map(\.elementType), [UInt64(1), 2, 1 << 40])
  func `uniform values have the mean and the variance of their kind`(
    type: ElementType, seed: UInt64
  ) throws {
    let values = try filled(type, seed: seed)
    let count = Double(values.count)
    #expect(abs(values.reduce(0, +) / count) < 0.03)
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / count - 1.0 / 3) < 0.015)
  }

  @Test(arguments: FloatFormat.allCases.map(\.elementType))
  func `a seed fills alike each time, and every half of it counts`(type: ElementType) throws {
    let first = try filled(type, seed: 5)
    #expect(try filled(type, seed: 5) == first)
    #expect(try filled(type, seed: 6) != first)
    #expect(try filled(type, seed: 5 + 1 << 32) != first)
  }

  @Test func `16-bit values are the fp32 ones rounded`() throws {
    let wide = try filled(.fp32, seed: 8)
    let half = wide.map { Double(Float16Bits.float(Float16Bits.bits(Float($0)))) }
    #expect(try filled(.fp16, seed: 8) == half)
    let brain = wide.map { Double(BFloat16Bits.float(BFloat16Bits.bits(Float($0)))) }
    #expect(try filled(.bf16, seed: 8) == brain)
  }

  @Test(arguments: [([4, 5], 4, 5), ([2, 3, 5], 6, 5), ([7], 1, 7)])
  func `the last dimension is the columns`(shape: [Int], rows: Int, columns: Int) throws {
    let tensor = try MemoryLedger().tensor(.fp16, shape, .kvCache)
    #expect(tensor.rows == rows)
    #expect(tensor.columns == columns)
    #expect(tensor.count == rows * columns)
    #expect(tensor.bytes == Bytes(2 * rows * columns))
  }

  @Test(arguments: FloatFormat.allCases.map(\.elementType))
  func `what was not written is NaN`(type: ElementType) throws {
    let tensor = try MemoryLedger().tensor(type, [9], .activations)
    tensor.fillNaN()
    #expect(tensor.doubles(0..<9).allSatisfy { $0.isNaN })
  }
}
