import CLinux
import Foundation
import Glibc
import Kernels
import Measuring
import Planning
import Quantities
import Records
import Workloads

/// The child's side of the pipe: reads a request a line from standard input, answers a line each.
package struct Worker {
  private let replies: Int32

  /// Moves file descriptor 1 away, so that a stray print cannot spoil an answer.
  package init() {
    replies = dup(STDOUT_FILENO)
    dup2(STDERR_FILENO, STDOUT_FILENO)
  }

  /// Runs until the parent says finish, or closes the pipe.
  package func run() throws {
    // Taken before any pool binds this thread.
    _ = ThreadPool.allowedCPUs
    OrphanWatch.start()
    try Self.rehearse()
    try send(
      Hello(
        protocol: Schema.wireProtocol, schema: Schema.run, process: getpid(),
        anonymous: ProcessMemory.read().anonymous))
    var session: (any CaseSession)?
    var prober: Prober?
    while let line = readLine() {
      let request = try WireLine.decode(Request.self, line)
      switch request {
      case .prepare(let order):
        do {
          let opened = try makeSession(order)
          session = opened
          try send(try opened.prepare())
        } catch {
          try send(Answer.failed(outcome: Self.outcome(of: error), check: nil))
        }
      case .sample(let calls, let samples):
        guard let session else { throw Fault("sample was asked before prepare") }
        try send(Answer.block(samples: session.sample(calls: calls, samples: samples)))
      case .finish:
        if let session { try send(Answer.finished(session.finish())) }
        return
      case .ceilings(let machine, let threads, let cpus, let room):
        let opened = try Prober(machine: machine, threads: threads, cpus: cpus, room: room)
        prober = opened
        try send(Answer.ceilings(opened.ceilings()))
      case .probe(let unit, let level, let threads):
        guard let prober else { throw Fault("a probe was asked before the ceilings") }
        try send(Answer.probe(prober.probe(unit: unit, level: level, threads: threads)))
      }
    }
  }

  /// A process's first JSON takes milliseconds, in which types are looked up: they go by before the hello,
  /// while the other side of a comparison starts, and not while it waits.
  private static func rehearse() throws {
    let order = WorkOrder(
      workload: "", problem: OrderedProblem(["m": .number(1)]), variant: "", threads: 1, cpus: [0],
      cache: .warm, seed: 0,
      memoryLimit: nil, ledger: "", systemLimit: nil,
      sampling: .init(block: Seconds(0), sample: Seconds(0)), lastLevelCache: .zero,
      paired: .init(
        isChecked: false, warmUpWindow: Seconds(0), warmUpWindows: 0, extraWork: 0,
        extraBytes: nil))
    let request = try WireLine.encode(Request.prepare(order: order))
    _ = try WireLine.decode(Request.self, request)
    _ = try WireLine.encode(
      Answer.prepared(
        Prepared(
          preparation: .init(seconds: Seconds(0), bytes: .zero),
          warmUp: .init(windows: [0], cut: 0, steady: true), clockCost: Seconds(0), calls: 1,
          rotation: 1)))
    _ = try WireLine.encode(Answer.block(samples: [0]))
  }

  private func makeSession(_ order: WorkOrder) throws -> any CaseSession {
    guard let workload = WorkloadCatalog.open(order.workload) else {
      throw Fault("there is no workload '\(order.workload)' in this build")
    }
    return try Self.open(workload, order)
  }

  private static func open<W: Workload>(_ workload: W.Type, _ order: WorkOrder) throws
    -> any CaseSession
  {
    try KernelSession<W>(order: order)
  }

  /// What an error while preparing means for the case.
  static func outcome(of error: any Error) -> Outcome {
    switch error {
    case let fault as LedgerFault:
      switch fault {
      case .overBudget: .outOfMemory(.budget, reason: fault.fault.what)
      case .refusedBySystem: .outOfMemory(.limit, reason: fault.fault.what)
      case .noMapping: .crashed(signal: "exit", reason: fault.fault.what)
      }
    case let fault as any FaultConvertible: .skipped(reason: fault.fault.what)
    default: .crashed(signal: "exit", reason: "\(error)")
    }
  }

  private func send(_ message: some Encodable) throws {
    let bytes = Array(try WireLine.encode(message).utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { write(replies, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else {
        throw Fault("the parent is gone (errno \(errno))")
      }
      sent += max(0, count)
    }
  }
}

/// One case in one child, whatever its workload.
protocol CaseSession: AnyObject {
  /// `.prepared`, or `.failed` when the check said no.
  func prepare() throws -> Answer
  func sample(calls: Int?, samples: Int?) -> [Double]
  func finish() -> Finished
}
