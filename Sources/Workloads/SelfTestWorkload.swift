import CLinux
import Glibc
package import Kernels
package import Quantities

/// A call of a known length, or one that misbehaves in a known way: the harness held against
/// itself, on any machine.
///
/// - Work: none to speak of; `busy` spins until the clock has moved by `nanoseconds`.
package enum SelfTestWorkload: Workload {
  /// What a call does, and for how long.
  package struct Problem: Codable, Hashable, Sendable {
    package let behaviour: Behaviour
    /// The length of one call.
    package let nanoseconds: Int

    /// - Parameter nanoseconds: how long a call of `busy` takes.
    package init(behaviour: Behaviour, nanoseconds: Int) {
      self.behaviour = behaviour
      self.nanoseconds = nanoseconds
    }
  }

  /// What a call does.
  package enum Behaviour: String, AxisWord {
    /// Takes as long as it was told.
    case busy
    /// Writes another number than it should.
    case wrong
    /// Leaves its output as it was.
    case unwritten
    /// Ends its process by a signal.
    case abort
    /// Ends its process with exit code 3.
    case exit
    /// Does not come back.
    case hang
    /// Takes memory behind the ledger's back until there is none.
    case greedy
    /// Runs well while it is prepared, and aborts while it is sampled.
    case late
  }

  /// One number in fp32, which a call sets to 1.
  package struct Operands: OperandSet {
    let output: Tensor
    package var operands: [Operand] { [Operand("output", output, .output)] }
  }

  package static let name = "self-test"
  package static let about = "a call of a known length, or one that misbehaves in a known way"
  package static let smallest = Problem(behaviour: .busy, nanoseconds: 1)
  package static let defaults = ["behaviour": "busy"]

  package static let variants: [Variant<SelfTestWorkload>] = {
    [
      Variant(name: "reference", kind: .reference, prepare: prepare),
      Variant(name: "portable", prepare: prepare),
    ]
  }()

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.nanoseconds)
  }

  /// There is no work to speak of: one operation stands for it, so that rates can be divided.
  package static func work(of problem: Problem) -> Work {
    Work(flops: 1, bytesRead: .zero, bytesWritten: Bytes(4), format: .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    Operands(output: try ledger.tensor(.fp32, [1, 1], .activations))
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    Expectation(values: [1], magnitudes: [1])
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    Tolerance(relative: 0, basis: "a constant is written")
  }

  private static func prepare(_ problem: Problem, _ operands: Operands, _: Execution) -> any Kernel
  {
    SelfTestKernel(problem: problem, output: operands.output)
  }
}

private final class SelfTestKernel: Kernel {
  private let problem: SelfTestWorkload.Problem
  private let output: UnsafeMutablePointer<Float>
  private let tensor: Tensor
  private var calls = 0

  init(problem: SelfTestWorkload.Problem, output: Tensor) {
    self.problem = problem
    tensor = output
    self.output = output.pointer(to: Float.self)
  }

  func run() {
    calls += 1
    switch problem.behaviour {
    case .busy: spin()
    case .wrong: output[0] = 2
    case .unwritten: spin(writing: false)
    case .abort: abort()
    case .exit: exit(3)
    case .hang: while true { sleep(1) }
    case .greedy: takeAll()
    case .late:
      spin()
      // Past the check, the calibration and the warm-up of a call of 1 ms.
      if calls > 2000 { abort() }
    }
  }

  private func spin(writing: Bool = true) {
    let end = hr_monotonic_nanoseconds() + Int64(problem.nanoseconds)
    while hr_monotonic_nanoseconds() < end {}
    if writing { output[0] = 1 }
  }

  private func takeAll() {
    // Stretches below the size at which the allocator asks for huge stretches, each touched.
    let length = 1 << 20
    for _ in 0..<(1 << 16) {
      let taken = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 64)
      taken.initializeMemory(as: UInt8.self, repeating: 1, count: length)
    }
  }
}
