import Quantities
import Testing

@Suite struct ThinningTests {
  private func thin(_ values: [Int], to limit: Int, keep: Set<Int> = []) -> [Int] {
    thinned(values.count, to: limit, mustStay: { keep.contains($0) }) {
      abs(values[$1] - values[$0])
    }
  }

  @Test func `few enough stay as they are`() { #expect(thin([1, 2, 3], to: 3) == [0, 1, 2]) }

  @Test func `what tells least beside the one before it goes first`() {
    #expect(thin([0, 1, 10, 11, 30], to: 3) == [0, 2, 4])
  }

  @Test func `equal steps are thinned evenly`() {
    #expect(thin(Array(0..<9), to: 5) == [0, 2, 4, 6, 8])
  }

  @Test func `what must stay does, even where it is more than the limit`() {
    #expect(thin([0, 0, 0, 0], to: 2, keep: [1, 2, 3]) == [0, 1, 2, 3])
    #expect(thin([0, 0, 0, 5], to: 2, keep: [1]) == [0, 1])
  }
}
