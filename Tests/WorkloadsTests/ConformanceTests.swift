import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

@Suite struct ConformanceTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))

  @Test(arguments: FloatFormat.allCases)
  func `matmul holds on its smallest problem and beside it`(precision: FloatFormat) throws {
    let smallest = MatmulWorkload.smallest
    let problem = MatmulWorkload.Problem(
      m: smallest.m, n: smallest.n, k: smallest.k, precision: precision)
    let conformance = Conformance<MatmulWorkload>()
    let failures = try conformance.failures(
      of: conformance.neighbours(of: problem), threads: Self.threads)
    #expect(failures == [])
  }

  /// Every count of rows that has a path of its own, with columns and k around the widths of
  /// vectors and tiles.
  @Test(arguments: 1...15, FloatFormat.allCases)
  func `matmul holds for every count of rows`(m: Int, precision: FloatFormat) throws {
    let shapes = [(1, 1), (15, 7), (16, 16), (17, 33), (32, 8), (33, 300), (65, 64)]
    let problems = shapes.map {
      MatmulWorkload.Problem(m: m, n: $0.0, k: $0.1, precision: precision)
    }
    #expect(try Conformance<MatmulWorkload>().failures(of: problems, threads: Self.threads) == [])
  }

  /// More rows than a row block of `a` has, and, where L2 is 1 MiB, more k than a panel of AVX-512.
  @Test(arguments: FloatFormat.allCases)
  func `matmul holds beyond one row block`(precision: FloatFormat) throws {
    let problem = MatmulWorkload.Problem(m: 605, n: 70, k: 901, precision: precision)
    #expect(try Conformance<MatmulWorkload>().failures(of: [problem], threads: Self.threads) == [])
  }

  /// From 2048 rows on two threads, rows are split instead of columns.
  @Test func `matmul holds where rows are split`() throws {
    let problem = MatmulWorkload.Problem(m: 2051, n: 9, k: 11, precision: .fp32)
    #expect(try Conformance<MatmulWorkload>().failures(of: [problem], threads: Self.threads) == [])
  }

  @Test func `work is positive and grows`() throws {
    #expect(try Conformance<MatmulWorkload>().workFailures(of: MatmulWorkload.smallest) == [])
  }

  /// Whatever is in the catalog: nobody has to enlist it here.
  @Test(arguments: allWorkloads.map { $0.name })
  func `every workload holds on its smallest problem, beside it, and with every word`(
    name: String
  ) throws {
    let workload = try #require(allWorkloads.first { $0.name == name })
    let failures = try Self.failures(of: workload)
    #expect(failures == [])
  }

  private static func failures<W: Workload>(of type: W.Type) throws -> [String] {
    let conformance = Conformance<W>()
    // Misbehaving in every way but one is what the self-test is for.
    let problems =
      try conformance.neighbours(of: W.smallest)
      + (type == SelfTestWorkload.self ? [] : conformance.otherWords(of: W.smallest))
    return try conformance.failures(of: problems, threads: threads)
      + conformance.workFailures(of: W.smallest)
  }

  /// 2·m·n·k flops; (m·k + n·k)·2 bytes read, m·n·4 written, by hand for 2, 3, 5 in bf16.
  @Test func `matmul's work is the least that any implementation does`() {
    let work = MatmulWorkload.work(of: .init(m: 2, n: 3, k: 5, precision: .bf16))
    #expect(work.flops == 60)
    #expect(work.bytesRead == Bytes(50))
    #expect(work.bytesWritten == Bytes(24))
  }

  @Test(arguments: Broken.Fault.allCases)
  func `the checker catches what is broken`(fault: Broken.Fault) throws {
    let failures = try Conformance<Broken>().failures(
      of: [Broken.Problem(n: 4, fault: fault)], threads: [1])
    #expect(failures.isEmpty == (fault == .none), "\(failures)")
    #expect(failures.allSatisfy { $0.contains(fault.expected) })
  }
}

/// Doubles its input, and does one thing wrong.
enum Broken: Workload {
  struct Problem: Codable, Hashable, Sendable {
    let n: Int
    let fault: Fault
  }

  enum Fault: String, AxisWord {
    case none, strayWrite, changedInput, wrongElement, unwritten, fickle, unplanned

    var expected: String {
      switch self {
      case .none: ""
      case .strayWrite: "wrote outside"
      case .changedInput: "an input was changed"
      case .wrongElement, .unwritten: "1 of 4 results stray, 2 first"
      case .fickle: "the same call gave other bits"
      case .unplanned: "planned"
      }
    }
  }

  struct Operands: OperandSet {
    let x: Tensor
    let y: Tensor
    var operands: [Operand] { [Operand("x", x, .input), Operand("y", y, .output)] }
  }

  static let name = "broken"
  static let about = "for the checker's own tests"
  static let smallest = Problem(n: 4, fault: .none)
  static var variants: [Variant<Broken>] {
    [
      Variant(name: "reference", kind: .reference) { problem, operands, execution in
        let extra =
          problem.fault == .unplanned && !execution.ledger.isPlan
          ? try execution.ledger.allocate(Bytes(1), role: .workspace) : nil
        return BrokenKernel(problem: problem, operands: operands, extra: extra)
      }
    ]
  }

  static func workBound(of problem: Problem) -> Double { 8 * Double(problem.n) }

  static func work(of problem: Problem) -> Work {
    Work(
      flops: problem.n, bytesRead: Bytes(4 * problem.n), bytesWritten: Bytes(4 * problem.n),
      format: .fp32)
  }

  static func operands(for problem: Problem, seed: UInt64, in ledger: MemoryLedger) throws
    -> Operands
  {
    let x = try ledger.tensor(.fp32, [problem.n], .activations)
    x.fillUniform(seed: seed)
    return Operands(x: x, y: try ledger.tensor(.fp32, [problem.n], .activations))
  }

  static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Workloads.Expectation {
    let values = sample.columns.map { 2 * Double(operands.x[$0]) }
    return Workloads.Expectation(values: values, magnitudes: values.map(abs))
  }

  static func tolerance(of problem: Problem) -> Tolerance {
    // Doubling is exact, and one call of the fickle kernel is off by an ulp.
    Tolerance(relative: 0x1p-22, basis: "exact")
  }
}

private final class BrokenKernel: Kernel {
  let problem: Broken.Problem
  let operands: Broken.Operands
  let extra: Allocation?
  var calls = 0

  init(problem: Broken.Problem, operands: Broken.Operands, extra: Allocation?) {
    self.problem = problem
    self.operands = operands
    self.extra = extra
  }

  func run() {
    calls += 1
    let x = operands.x.pointer(to: Float.self)
    let y = operands.y.pointer(to: Float.self)
    for index in 0..<problem.n where !(problem.fault == .unwritten && index == 2) {
      y[index] = 2 * x[index]
    }
    switch problem.fault {
    case .strayWrite: y[problem.n] = 1
    case .changedInput:
      // After the check has read it.
      if calls == 2 { x[0] = 7 }
    case .wrongElement: y[2] += 1
    case .fickle: if calls == 2 { y[1] = y[1].nextUp }
    case .none, .unwritten, .unplanned: break
    }
  }
}
