package import Measuring
package import Quantities
package import Records
package import SystemPackage

/// The parent's side of the one child that measures the machine itself.
package actor ProberProcess {
  private let child: any Child
  /// In whose folder the child's files are.
  private let host: any Host
  package nonisolated let ceilings: Ceilings

  /// Starts it and measures all ceilings.
  package static func start(
    program: FilePath, on host: any Host, machine: Machine, threads: [Int], cpus: [Int],
    room: ProbeRoom
  ) async throws -> ProberProcess {
    let child = try await host.start(
      WorkerCommand(program: program), name: "prober", patience: ChildProcess.helloPatience)
    do {
      let ceilings = try await child.ask(
        .ceilings(machine: machine, threads: threads, cpus: cpus, room: room), timeout: patience,
        while: "measuring"
      ) { if case .ceilings(let ceilings) = $0 { ceilings } else { nil } }
      let isWhole = threads.allSatisfy { ceilings.bandwidth(.dram, threads: $0) != nil }
      guard isWhole || ceilings.unavailable?[.dram] != nil, !ceilings.compute.isEmpty else {
        throw ProberFault.noCeilings(
          "the probes did not say what memory can do", limit: SystemLimits.ofMemory)
      }
      return ProberProcess(child: child, host: host, ceilings: ceilings)
    } catch {
      _ = await child.stop()
      guard case ChildFailure.ended(let ending) = error else { throw Self.fault(error) }
      let words = ending.lastWords.split(separator: "\n").last.map { ": \($0)" } ?? ""
      throw ProberFault.noCeilings("\(ending.ending)\(words)", limit: SystemLimits.ofMemory)
    }
  }

  /// All of it takes seconds; a machine ten times slower still has its time.
  private static let patience = Seconds(120)

  private init(child: any Child, host: any Host, ceilings: Ceilings) {
    self.child = child
    self.host = host
    self.ceilings = ceilings
  }

  func probe(_ kind: ProbeKind) async throws -> Record.Probe {
    do {
      return try await child.ask(
        .probe(unit: kind.unit, level: kind.isOfMemory ? kind.level : nil, threads: kind.threads),
        timeout: Self.patience, while: "probing"
      ) { if case .probe(let probe) = $0 { probe } else { nil } }
    } catch {
      throw Self.fault(error)
    }
  }

  package func end() async { _ = await child.end() }

  /// What is wrong with the prober is the end of a sweep, in words of its own.
  private static func fault(_ error: any Error) -> any Error {
    switch error {
    case ChildFailure.ended, ChildFailure.told: ProberFault.ended
    case ChildFailure.unusable(let fault): fault
    default: error
    }
  }
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
