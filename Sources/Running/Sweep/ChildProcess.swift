import Glibc
import Records
import Quantities
import Subprocess
import Synchronization
import SystemPackage

/// A worker process, driven a request and an answer at a time.
///
/// Killed when it takes longer than it may; how it ended is known once it has.
actor ChildProcess {
  let process: Int32
  let hello: Hello
  private let requests: AsyncStream<String>.Continuation
  private var answers: AsyncStream<String>.Iterator
  private let ending: Task<ProcessEnding, Never>
  private let errorFile: FilePath
  private(set) var timedOut = false

  /// How long a worker may take to say hello at the most: interpreters load libraries first.
  package static let helloPatience = Seconds(60)

  /// Starts the worker and reads its first line.
  static func start(
    _ command: WorkerCommand, folder: FilePath, name: String,
    environment: [Environment.Key: String] = [:], patience: Seconds = helloPatience
  ) async throws -> ChildProcess {
    let patience = min(patience, helloPatience)
    let errorFile = folder.appending("\(name).stderr")
    let errors: FileDescriptor
    do {
      errors = try FileDescriptor.open(
        errorFile, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: .ownerReadWrite)
    } catch let error as Errno {
      throw Fault(
        "a child's standard error cannot be kept: \(error.description)", at: errorFile.string,
        fix: "make room in TMPDIR, or set it to a folder that can be written")
    }
    let (requests, feed) = AsyncStream<String>.makeStream()
    let (answers, reply) = AsyncStream<String>.makeStream()
    let ending = Task<ProcessEnding, Never> {
      let leader = Mutex<Int32?>(nil)
      defer {
        // What the child started goes when it has gone, however that was.
        if let process = leader.withLock({ $0 }) { Leftovers.leave(child: process) }
        reply.finish()
      }
      do {
        let result = try await Subprocess.run(
          command.executable, arguments: Arguments(command.arguments),
          // A crash must leave a signal and a line, not minutes of a backtrace's work.
          environment: .inherit.updating(
            environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }),
          platformOptions: .groupOfItsOwn,
          input: .inputWriter, output: .sequence,
          error: .fileDescriptor(errors, closeAfterSpawningProcess: true)
        ) { execution in
          let process = execution.processIdentifier.value
          leader.withLock { $0 = process }
          Leftovers.enter(child: process)
          var lines = execution.standardOutput.strings(
            bufferingPolicy: .maxLineLength(longestLine)
          ).makeAsyncIterator()
          reply.yield("\(process)")
          guard let first = try await lines.next() else { return }
          reply.yield(first)
          for await request in requests {
            // A child that is gone cannot be written to; its end says why.
            guard (try? await execution.standardInputWriter.write(request)) != nil,
              let answer = try await lines.next()
            else { return }
            reply.yield(answer)
          }
        }
        switch result.terminationStatus {
        case .exited(let code): return .exited(code)
        case .signaled(let signal): return .signaled(signal)
        }
      } catch {
        return .notStarted("\(error)")
      }
    }
    var iterator = answers.makeAsyncIterator()
    guard let process = (await iterator.next()).flatMap({ Int32($0) }) else {
      feed.finish()
      throw await noHello(ending, command)
    }
    if !command.isOwn { AbandonedGroup.note(process, in: folder) }
    let isSilent = Mutex(false)
    let watchdog = Task {
      try await Task.sleep(for: .seconds(patience.value))
      isSilent.withLock { $0 = true }
      kill(-process, SIGKILL)
    }
    let line = await iterator.next()
    watchdog.cancel()
    guard let line else {
      feed.finish()
      if Task.isCancelled { kill(-process, SIGKILL) }
      if isSilent.withLock({ $0 }) {
        _ = await ending.value
        throw ChildFault.silent(patience)
      }
      throw await noHello(ending, command)
    }
    let hello: Hello
    do {
      hello = try WireLine.decode(Hello.self, line)
      // This parent speaks its own version only: it is the first one.
      guard hello.protocol == Schema.wireProtocol else {
        throw ChildFault.otherProtocol(hello.protocol)
      }
    } catch {
      feed.finish()
      kill(-process, SIGKILL)
      throw (error as? ChildFault) ?? ChildFault.garbage(line)
    }
    return ChildProcess(
      process: process, hello: hello, requests: feed, answers: iterator, ending: ending,
      errorFile: errorFile)
  }

  /// Who is interrupted reads no further: the child, which may be silent for long, has no fault of its own.
  private static func noHello(_ ending: Task<ProcessEnding, Never>, _ command: WorkerCommand) async
    -> any Error
  {
    if Task.isCancelled {
      ending.cancel()
      _ = await ending.value
      return CancellationError()
    }
    return ChildFault.noHello(await ending.value, program: command.text)
  }

  private init(
    process: Int32, hello: Hello, requests: AsyncStream<String>.Continuation,
    answers: sending AsyncStream<String>.Iterator, ending: Task<ProcessEnding, Never>,
    errorFile: FilePath
  ) {
    self.process = process
    self.hello = hello
    self.requests = requests
    self.answers = answers
    self.ending = ending
    self.errorFile = errorFile
  }

  /// The answer, or nothing when the child ended instead, killed after `timeout` or otherwise.
  func ask(_ request: Request, timeout: Seconds) async throws -> Answer? {
    requests.yield(try WireLine.encode(request))
    let process = process
    let expired = Mutex(false)
    let watchdog = Task {
      try await Task.sleep(for: .seconds(timeout.value))
      expired.withLock { $0 = true }
      kill(-process, SIGKILL)
    }
    let line = await nextAnswer()
    watchdog.cancel()
    timedOut = timedOut || expired.withLock { $0 }
    // Half a line is what a child had written when it was ended.
    guard let line, !timedOut else {
      try Task.checkCancellation()
      return nil
    }
    return try Answer.read(line)
  }

  private func nextAnswer() async -> String? {
    var iterator = answers
    let line = await iterator.next(isolation: #isolation)
    answers = iterator
    return line
  }

  /// Closes the pipe, which makes a worker leave, and waits; one that stays is ended, and so is one that
  /// is being waited for when this program is interrupted.
  func end() async -> ProcessEnding {
    requests.finish()
    let process = process
    let watchdog = Task {
      try await Task.sleep(for: .seconds(leavePatience.value))
      kill(-process, SIGKILL)
    }
    defer { watchdog.cancel() }
    return await withTaskCancellationHandler {
      await ending.value
    } onCancel: {
      kill(-process, SIGKILL)
    }
  }

  /// Ends a child that must not go on.
  func stop() async -> ProcessEnding {
    kill(-process, SIGKILL)
    return await end()
  }

  /// The end of what the child wrote on its standard error.
  func lastWords() -> String? {
    guard let file = try? FileDescriptor.open(errorFile, .readOnly) else { return nil }
    defer { try? file.close() }
    guard let size = try? file.seek(offset: 0, from: .end), size > 0 else { return nil }
    let length = min(Int(size), 2000)
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      count =
        (try? file.read(
          fromAbsoluteOffset: size - Int64(length), into: UnsafeMutableRawBufferPointer(buffer)))
        ?? 0
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A worker's answer of more bytes is none that it was asked for.
private let longestLine = 4 << 20

/// How long a worker may take to leave once its input has ended: large models are unloaded meanwhile.
private let leavePatience = Seconds(10)

/// Why there is no child to talk to.
enum ChildFault: FaultConvertible {
  case noHello(ProcessEnding, program: String)
  case silent(Seconds)
  case otherProtocol(Int)
  case garbage(String)
  case impossible(String)

  var fault: Fault {
    switch self {
    case .noHello(let ending, let program):
      Fault(
        "the worker ended before it said hello: \(ending)", at: program,
        fix: "run it by hand with the argument 'worker' to see why")
    case .silent(let patience):
      Fault(
        "the worker did not say hello within \(patience)",
        fix: "run it by hand with the argument 'worker' to see why, or give a longer --timeout")
    case .otherProtocol(let version):
      Fault(
        "the worker speaks protocol \(version), and this program \(Schema.wireProtocol)",
        fix: "use builds of the same version")
    case .garbage(let line):
      Fault(
        "the worker wrote a line that is none of the protocol's: \(line.prefix(100))",
        fix: "write answers alone to standard output, and all else to standard error")
    case .impossible(let defect):
      Fault(
        "the worker answered what cannot be: \(defect)",
        fix: "see that it fills every figure of its answers")
    }
  }
}
