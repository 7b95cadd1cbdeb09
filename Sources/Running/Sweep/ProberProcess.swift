import Measuring
package import Quantities
package import Records
import SystemPackage

/// The parent's side of the one child that measures the machine itself.
package actor ProberProcess {
  private let child: ChildProcess
  package let ceilings: Ceilings

  /// Starts it and measures all ceilings.
  package static func start(
    program: String, folder: String, machine: Machine, threads: [Int], cpus: [Int]
  ) async throws -> ProberProcess {
    let child = try await ChildProcess.start(
      WorkerCommand(program: FilePath(program)), folder: FilePath(folder), name: "prober")
    let answer = try await child.ask(
      .ceilings(machine: machine, threads: threads, cpus: cpus), timeout: Self.patience)
    guard case .ceilings(let ceilings) = answer,
      threads.allSatisfy({ ceilings.bandwidth(.dram, threads: $0) != nil })
    else {
      let ending = await child.stop()
      let words = await child.lastWords()?.split(separator: "\n").last.map { ": \($0)" } ?? ""
      throw ProberFault.noCeilings(
        answer == nil ? "\(ending)\(words)" : "the probes of memory were refused theirs",
        limit: SystemLimits.ofMemory)
    }
    return ProberProcess(child: child, ceilings: ceilings)
  }

  /// All of it takes seconds; a machine ten times slower still has its time.
  private static let patience = Seconds(120)

  private init(child: ChildProcess, ceilings: Ceilings) {
    self.child = child
    self.ceilings = ceilings
  }

  func probe(_ use: Record.CeilingUse, memoryCanBind: Bool) async throws -> Record.Probe {
    let answer = try await child.ask(
      .probe(unit: use.unit, level: memoryCanBind ? use.level : nil, threads: use.threads),
      timeout: Self.patience)
    guard case .probe(let probe) = answer else {
      throw ProberFault.ended
    }
    return probe
  }

  package func end() async { _ = await child.end() }
}

/// Why the machine cannot be measured beside the cases.
package enum ProberFault: FaultConvertible, Hashable {
  case noCeilings(String, limit: String?)
  case ended

  package var fault: Fault {
    switch self {
    case .noCeilings(let why, let limit):
      Fault(
        "the machine's ceilings could not be measured: \(why)", at: limit,
        fix: limit == nil
          ? "free some memory: the probes need room beyond the caches" : "raise that limit")
    case .ended: Fault("the probe beside the cases ended", fix: "go on with --resume")
    }
  }
}
