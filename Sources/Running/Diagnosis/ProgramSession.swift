import Foundation
import Glibc
import Measuring
import Quantities
package import Records
import Subprocess
import Synchronization
import SystemPackage

/// Runs a program under limits and recorders, and answers what was recorded.
package struct ProgramSession: Sendable {
  let options: DiagnosisOptions
  let program: String
  private let heap: Reading<HeapProfiling>
  let group: Reading<MemoryControlGroup>
  private let hasTerminal: Bool
  private let orderFile: String
  let reportFile: String
  private let scratch: ScratchFolder

  package static func run(_ options: DiagnosisOptions) async throws -> ProgramDiagnosis {
    let session = try ProgramSession(options)
    defer { session.removeGroup() }
    return try await session.run()
  }

  private init(_ options: DiagnosisOptions) throws {
    let environment = ProcessInfo.processInfo.environment
    precondition(!options.command.isEmpty, "a command has at least its program's name")
    self.options = options
    program = try ProgramPath.find(options.command[0], path: environment["PATH"])
    scratch = try ScratchFolder()
    let profiles = scratch.path.appending("heap").string
    mkdir(profiles, 0o700)
    heap = try HeapProfiling.prepare(
      options.heap, program: program, folder: profiles, limit: options.memoryLimit)
    group = Self.makeGroup(limit: options.memoryLimit)
    hasTerminal = isatty(STDIN_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp()
    orderFile = scratch.path.appending("order.json").string
    reportFile = scratch.path.appending("report.json").string
    let order = StartOrder(
      path: program, arguments: options.command,
      environment: heap.value?.environment(beside: environment) ?? [:], group: group.value,
      limit: options.memoryLimit, hasTerminal: hasTerminal, report: reportFile)
    try JSONText.encode(order).write(to: URL(fileURLWithPath: orderFile))
  }

  /// One without a limit counts, too.
  private static func makeGroup(limit: Bytes?) -> Reading<MemoryControlGroup> {
    let made = MemoryControlGroup.createLeaf(name: "headroom-\(getpid())-diagnosed")
    guard let group = made.value else { return made }
    Leftovers.enter(group: group.path)
    guard let limit else { return made }
    do {
      try group.setLimit(limit)
      return made
    } catch {
      group.remove()
      Leftovers.leave(group: group.path)
      return .unavailable(error.what)
    }
  }

  private func run() async throws -> ProgramDiagnosis {
    let killsBefore = MachineKills.read()
    let tee = try StandardErrorTee()
    tee.start()
    let ran: Ran
    do {
      ran = try await start(tee)
    } catch {
      _ = await tee.finish()
      throw error
    }
    let complaints = await tee.finish()
    let report = try startReport()
    return ProgramDiagnosis(
      command: options.command, ending: ending(of: ran), duration: ran.seen.duration,
      sampling: .init(
        interval: options.interval, looks: ran.seen.looks,
        processes: max(1, ran.seen.processes.count)),
      peak: ran.seen.peak.map { .measured($0) } ?? .unavailable(Self.unseen),
      marks: .init(highWater: ran.seen.highWater, atEnd: Self.mark(ran.seen.atEnd, report)),
      group: groupEvents(report), machineKills: Self.machineKills(since: killsBefore),
      limits: limits(ran.seen, report), complaints: complaints,
      heap: Self.flattened(heap.map { $0.read(root: ran.process) }))
  }

  /// What the program left behind.
  private struct Ran {
    let process: Int32
    let status: TerminationStatus
    let seen: TreeWatch.Seen
    let timedOut: Bool
  }

  private func ending(of ran: Ran) -> ProgramEnding {
    switch ran.status {
    case .exited(let code): .exited(code)
    case .signaled(let signal):
      ran.timedOut && signal == SIGKILL
        ? .timedOut(options.timeout ?? ran.seen.duration) : .signaled(signal)
    }
  }

  private func start(_ tee: StandardErrorTee) async throws -> Ran {
    let output = FileDescriptor(
      rawValue: options.printsToStandardError ? STDERR_FILENO : STDOUT_FILENO)
    let leader = Mutex<Int32?>(nil)
    defer {
      if let process = leader.withLock({ $0 }) { Leftovers.leave(child: process) }
      if hasTerminal { takeTerminalBack() }
    }
    let result = try await Subprocess.run(
      .path(try OwnProgram.path()), arguments: [ProgramStarter.word, orderFile],
      platformOptions: .groupOfItsOwn, input: .currentStandardInput,
      output: .fileDescriptor(output, closeAfterSpawningProcess: false),
      error: .fileDescriptor(tee.writeEnd, closeAfterSpawningProcess: true)
    ) { execution in
      let process = execution.processIdentifier.value
      leader.withLock { $0 = process }
      Leftovers.enter(child: process)
      AbandonedGroup.note(process, in: scratch.path)
      return try await watch(process)
    }
    return Ran(
      process: result.closureResult.process, status: result.terminationStatus,
      seen: result.closureResult.seen, timedOut: result.closureResult.timedOut)
  }

  private func watch(_ process: Int32) async throws -> (
    process: Int32, seen: TreeWatch.Seen, timedOut: Bool
  ) {
    let tree = ProcessTree(root: process, group: group.value)
    let watch = TreeWatch(
      tree, interval: options.interval, starterMark: orderFile, hasTerminal: hasTerminal)
    var watchdog: Watchdog?
    var looks = 0
    let seen = try await watch.run {
      if let timeout = options.timeout { watchdog = Watchdog(over: process, after: timeout) }
    } each: {
      looks += 1
      // Twenty looks are a second, in which some profiles may have come.
      if looks % 20 == 0 { heap.value?.prune() }
    }
    return (process, seen, await watchdog?.end() ?? false)
  }

  private func takeTerminalBack() {
    // This process is in the background until then, and would be stopped for it.
    signal(SIGTTOU, SIG_IGN)
    tcsetpgrp(STDIN_FILENO, getpgrp())
  }

  /// What is still in the group, however it left the others, goes with it.
  private func removeGroup() {
    guard let group = group.value else { return }
    for _ in 0..<50 where !group.remove() {
      for process in group.processes() { kill(process, SIGKILL) }
      usleep(2000)
    }
    Leftovers.leave(group: group.path)
  }
}
