import Kernels
import Quantities
import TestSupport
import Testing
import Workloads

private let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
private let passes: [TrainingPass] = [.forward, .backward]

@Suite struct RootMeanSquareNormTests {
  @Test(arguments: passes, FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    pass: TrainingPass, precision: FloatFormat
  ) throws {
    let problem = RootMeanSquareNormWorkload.Problem(
      rows: 5, columns: 67, precision: precision, pass: pass)
    let wide = RootMeanSquareNormWorkload.Problem(
      rows: 300, columns: 2, precision: precision, pass: pass)
    let conformance = Conformance<RootMeanSquareNormWorkload>()
    #expect(
      try conformance.failures(of: conformance.neighbours(of: problem) + [wide], threads: threads)
        == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  @Test func `what is expected is what the forward pass changes by`() throws {
    let problem = RootMeanSquareNormWorkload.Problem(rows: 3, columns: 5, pass: .backward)
    let ledger = try MemoryLedger()
    let operands = try RootMeanSquareNormWorkload.operands(for: problem, seed: 7, in: ledger)
    let dy = try #require(operands.dy)
    let expected = try RootMeanSquareNormWorkload.expected(of: problem, operands)
    let forward = RootMeanSquareNormWorkload.Problem(rows: 3, columns: 5)
    // From the same seed, both have the same.
    let given = try RootMeanSquareNormWorkload.operands(for: forward, seed: 7, in: ledger)
    var start = 0
    for tensor in [given.x, given.gain] {
      for index in 0..<tensor.count {
        let found = try centralDifference(tensor, at: index) {
          product(try RootMeanSquareNormWorkload.expected(of: forward, given), dy)
        }
        #expect(abs(found - expected[start + index]) < 1e-4, "\(start) \(index)")
      }
      start += tensor.count
    }
  }

  /// By hand for 2 rows of 3 in bf16. Forward: x, 12 bytes, and the gain, 12; y, 12, and 2 inverses, 8. Backward:
  /// x, dy 24, gain and inverses; dx 24 and the gain's, 12.
  @Test(arguments: [(TrainingPass.forward, 24, 24, 20), (.backward, 60, 12 + 24 + 12 + 8, 36)])
  func `work is as the operation says`(pass: TrainingPass, flops: Int, read: Int, written: Int) {
    let work = RootMeanSquareNormWorkload.work(
      of: .init(rows: 2, columns: 3, precision: .bf16, pass: pass))
    #expect(work.flops == flops)
    #expect(work.bytesRead == Bytes(read))
    #expect(work.bytesWritten == Bytes(written))
  }
}

@Suite struct SwiGLUTests {
  @Test(arguments: passes, FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    pass: TrainingPass, precision: FloatFormat
  ) throws {
    let problem = SwiGLUWorkload.Problem(
      rows: 41, columns: 101, precision: precision, pass: pass)
    let single = SwiGLUWorkload.Problem(rows: 1, columns: 1, precision: precision, pass: pass)
    let conformance = Conformance<SwiGLUWorkload>()
    #expect(
      try conformance.failures(
        of: conformance.neighbours(of: problem) + [single], threads: threads) == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  @Test func `what is expected is what the forward pass changes by`() throws {
    let problem = SwiGLUWorkload.Problem(rows: 3, columns: 5, pass: .backward)
    let operands = try SwiGLUWorkload.operands(for: problem, seed: 7, in: MemoryLedger())
    let dy = try #require(operands.dy)
    let expected = try SwiGLUWorkload.expected(of: problem, operands)
    let forward = SwiGLUWorkload.Problem(rows: 3, columns: 5)
    // From the same seed, both have the same.
    let given = try SwiGLUWorkload.operands(for: forward, seed: 7, in: MemoryLedger())
    for (start, tensor) in [(0, given.gate), (15, given.up)] {
      for index in 0..<tensor.count {
        let found = try centralDifference(tensor, at: index) {
          product(try SwiGLUWorkload.expected(of: forward, given), dy)
        }
        #expect(abs(found - expected[start + index]) < 1e-5, "\(start) \(index)")
      }
    }
  }

  /// By hand for 6 numbers in fp16: two of 12 bytes read and one written; backward 24 more read, and 48 written.
  @Test(arguments: [(TrainingPass.forward, 24, 24, 12), (.backward, 48, 48, 48)])
  func `work is as the operation says`(pass: TrainingPass, flops: Int, read: Int, written: Int) {
    let work = SwiGLUWorkload.work(of: .init(rows: 2, columns: 3, precision: .fp16, pass: pass))
    #expect(work.flops == flops)
    #expect(work.bytesRead == Bytes(read))
    #expect(work.bytesWritten == Bytes(written))
  }
}

@Suite struct TokenEmbeddingTests {
  @Test(arguments: passes, FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    pass: TrainingPass, precision: FloatFormat
  ) throws {
    let problem = TokenEmbeddingWorkload.Problem(
      tokens: 35, vocab: 13, hidden: 37, precision: precision, pass: pass)
    let others = [(1, 1, 1), (3, 100, 8), (64, 300, 33)].map {
      TokenEmbeddingWorkload.Problem(
        tokens: $0.0, vocab: $0.1, hidden: $0.2, precision: precision, pass: pass)
    }
    let conformance = Conformance<TokenEmbeddingWorkload>()
    #expect(
      try conformance.failures(of: conformance.neighbours(of: problem) + others, threads: threads)
        == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  /// 9 tokens of 100 have 5 ids, each but one twice; of 3, all 3 of them three times.
  @Test(arguments: [(100, [1, 2, 2, 2, 2]), (3, [3, 3, 3])])
  func `tokens repeat`(vocab: Int, counts: [Int]) throws {
    let problem = TokenEmbeddingWorkload.Problem(tokens: 9, vocab: vocab, hidden: 2)
    let operands = try TokenEmbeddingWorkload.operands(for: problem, seed: 9, in: MemoryLedger())
    let ids = (0..<9).map { Int(operands.ids.pointer(to: Int32.self)[$0]) }
    #expect(ids.allSatisfy { (0..<vocab).contains($0) })
    #expect(Dictionary(grouping: ids) { $0 }.map(\.value.count).sorted() == counts)
    // 9 ids of 4 bytes, and of each row that occurs 2 numbers of 4.
    #expect(
      TokenEmbeddingWorkload.work(of: problem).bytesRead == Bytes(36 + 8 * counts.count))
  }

  @Test func `the way back writes all of the table's gradient`() {
    let work = TokenEmbeddingWorkload.work(
      of: .init(tokens: 9, vocab: 100, hidden: 2, pass: .backward))
    #expect(work.bytesRead == Bytes(36 + 72))
    #expect(work.bytesWritten == Bytes(800))
  }
}
