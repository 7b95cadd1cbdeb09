import Foundation
import Kernels
import Quantities
import TestSupport
import Testing
import Workloads

@Suite struct LinearCrossEntropyTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
  private static let chunks: [LinearCrossEntropy.Chunks] = [
    .whole, .tokens(1), .tokens(5), .tokens(100), .vocabulary(1), .vocabulary(33), .vocabulary(70),
  ]

  @Test(arguments: chunks, FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    chunks: LinearCrossEntropy.Chunks, precision: FloatFormat
  ) throws {
    let problem = LinearCrossEntropyWorkload.Problem(
      tokens: 37, hidden: 19, vocab: 70, loss: chunks, precision: precision)
    let conformance = Conformance<LinearCrossEntropyWorkload>()
    #expect(
      try conformance.failures(of: conformance.neighbours(of: problem), threads: Self.threads)
        == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  /// The losses a little to either side, computed here.
  @Test func `what is expected is what the losses change by`() throws {
    let problem = LinearCrossEntropyWorkload.Problem(tokens: 3, hidden: 4, vocab: 5)
    let operands = try LinearCrossEntropyWorkload.operands(
      for: problem, seed: 3, in: MemoryLedger())
    let expected = try LinearCrossEntropyWorkload.expected(of: problem, operands)
    func loss() -> Double {
      (0..<3).reduce(0) { sum, row in
        let logits = (0..<5).map { output in
          (0..<4).reduce(0) {
            $0 + Double(operands.x[4 * row + $1]) * Double(operands.w[4 * output + $1])
          }
        }
        let target = Int(operands.targets.pointer(to: Int32.self)[row])
        return sum + log(logits.reduce(0) { $0 + exp($1) }) - logits[target]
      }
    }
    var start = 0
    for tensor in [operands.x, operands.w] {
      for index in 0..<tensor.count {
        let found = centralDifference(tensor, at: index, loss)
        #expect(abs(found - expected[start + index]) < 1e-5, "\(start) \(index)")
      }
      start += tensor.count
    }
  }

  /// By hand, 2 tokens, 3 numbers, 5 outputs in bf16: 6 · 30 flops; read 6 numbers of 2 bytes, 15 weights and 2
  /// targets of 4; written 6 + 15 of 4.
  @Test func `work is that of three products`() {
    let work = LinearCrossEntropyWorkload.work(
      of: .init(tokens: 2, hidden: 3, vocab: 5, loss: .vocabulary(2), precision: .bf16))
    #expect(work.flops == 180)
    #expect(work.bytesRead == Bytes(12 + 4 * 17))
    #expect(work.bytesWritten == Bytes(4 * 21))
    #expect(work.tokens == 2)
  }

  /// Logits of 1024 × 4096 in fp32 are 16 MiB: a quarter of them with a quarter of the rows, or of the outputs.
  @Test(arguments: [
    (LinearCrossEntropy.Chunks.whole, 16), (.tokens(256), 4), (.vocabulary(1024), 4),
  ])
  func `parts hold fewer logits`(chunks: LinearCrossEntropy.Chunks, mebibytes: Int) throws {
    let portable = try #require(LinearCrossEntropyWorkload.variant(named: "portable"))
    func workspace(_ loss: LinearCrossEntropy.Chunks) throws -> Int {
      try LinearCrossEntropyWorkload.plan(
        of: .init(tokens: 1024, hidden: 8, vocab: 4096, loss: loss), variant: portable, threads: 1
      ).phases[.run]?[.workspace]?.count ?? 0
    }
    let found = try workspace(chunks)
    #expect(found >= mebibytes << 20)
    #expect(found < (mebibytes + 1) << 20)
  }

  @Test func `a problem that is too large for fp64 is checked with fewer rows`() throws {
    let problem = LinearCrossEntropyWorkload.Problem(
      tokens: 2048, hidden: 4096, vocab: 32_000, loss: .tokens(256))
    let reduced = try #require(LinearCrossEntropyWorkload.reduced(problem))
    #expect(
      reduced.problem == .init(tokens: 64, hidden: 4096, vocab: 4096, loss: .tokens(4)))
    #expect(reduced.label == "64 of 2048 tokens, 4096 of 32000 outputs")
    #expect(LinearCrossEntropyWorkload.reduced(reduced.problem) == nil)
  }
}
