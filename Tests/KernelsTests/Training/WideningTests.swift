import Kernels
import Quantities
import Testing

/// Activations that become numbers in fp32 again.
struct WideningTests {
  /// All 65,536 patterns of bits, those that are no numbers among them; some from the middle on.
  @Test(arguments: [FloatFormat.fp16, .bf16], [0..<65_536, 30_001..<30_008])
  func `each number of 16 bits has its own value`(format: FloatFormat, numbers: Range<Int>) throws {
    let tensor = try MemoryLedger().tensor(format.elementType, [65_536], .activations)
    for index in 0..<tensor.count { tensor.pointer(to: UInt16.self)[index] = UInt16(index) }
    var found = [Float](repeating: 0, count: numbers.count)
    Widening(format).run(tensor.start, numbers, to: &found)
    #expect(found.map(\.bitPattern) == numbers.map { tensor[$0].bitPattern })
  }

  @Test func `what is stored in fp32 is copied`() throws {
    let tensor = try MemoryLedger().tensor(.fp32, [100], .activations)
    tensor.fillUniform(seed: 1)
    var found = [Float](repeating: 0, count: 60)
    Widening(.fp32).run(tensor.start, 40..<100, to: &found)
    #expect(found == (40..<100).map { tensor[$0] })
  }
}
