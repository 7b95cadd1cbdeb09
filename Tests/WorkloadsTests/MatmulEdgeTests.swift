import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

extension Threaded {
  struct MatmulEdgeTests {
    private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))

    @Test(arguments: EdgeSizes.problems)
    func `sizes at the edges of tiles and vectors conform`(problem: MatmulWorkload.Problem) throws {
      #expect(
        try Conformance<MatmulWorkload>().failures(of: [problem], threads: Self.threads) == [])
    }

    @Test func `every pair of sizes at edges occurs`() {
      let problems = EdgeSizes.problems
      #expect(Set(problems.map { [$0.m, $0.n] }).count == 9 * 8)
      #expect(Set(problems.map { [$0.m, $0.k] }).count == 9 * 8)
      #expect(Set(problems.map { [$0.n, $0.k] }).count == 8 * 8)
      #expect(Set(problems.map { "\($0.m) \($0.precision)" }).count == 9 * 3)
      #expect(Set(problems.map { "\($0.n) \($0.precision)" }).count == 8 * 3)
      #expect(Set(problems.map { "\($0.k) \($0.precision)" }).count == 8 * 3)
    }

    /// A panel takes up to an eighth of L2, a row block of `a` up to five eighths: in 2 MiB of L2
    /// k = 17,000 exceeds the 16,384 of 8 columns in 16 bits, and m = 1501 the 363 rows of 901 floats.
    /// m = 2051 is cut by rows between two threads.
    @Test(arguments: FloatFormat.allCases, [[1501, 21, 901], [2051, 40, 33], [17, 21, 17_000]])
    func `problems of several cuts of k and of rows conform`(
      precision: FloatFormat, sizes: [Int]
    ) throws {
      let problem = MatmulWorkload.Problem(
        m: sizes[0], n: sizes[1], k: sizes[2], precision: precision)
      #expect(
        try Conformance<MatmulWorkload>().failures(of: [problem], threads: Self.threads) == [])
    }
  }
}

/// Sizes at and beside the edges of tiles, vectors and the rows that go unpacked: every pair of
/// two axes' values, in 72 problems instead of 1728.
enum EdgeSizes {
  static let problems: [MatmulWorkload.Problem] = {
    let m = [1, 2, 5, 8, 9, 13, 14, 15, 29]
    let n = [1, 15, 16, 17, 31, 32, 33, 64]
    let k = [1, 7, 8, 9, 16, 17, 64, 300]
    return m.indices.flatMap { row in
      n.indices.map { column in
        MatmulWorkload.Problem(
          m: m[row], n: n[column], k: k[(row + column) % k.count],
          precision: FloatFormat.allCases[(row + 2 * column) % 3])
      }
    }
  }()
}
