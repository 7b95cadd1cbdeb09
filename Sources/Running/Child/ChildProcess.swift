import Glibc
import Records
package import Quantities
import Subprocess
import Synchronization
import SystemPackage

/// A worker process, driven a request and an answer at a time.
///
/// Killed when it takes longer than it may; how it ended is known once it has.
package actor ChildProcess: Child {
  package nonisolated let process: Int32
  /// The protocol that it speaks.
  private let version: Int
  private let requests: AsyncStream<String>.Continuation
  private var answers: AsyncStream<String>.Iterator
  private let ending: Task<ProcessEnding, Never>
  private let errorFile: FilePath
  package private(set) var timedOut = false

  /// How long a worker may take to say hello at most: interpreters load libraries first.
  package static let helloPatience = Seconds(60)

  /// Starts the worker and reads its first line.
  static func start(
    _ command: WorkerCommand, folder: FilePath, name: String,
    environment: [String: String], patience: Seconds
  ) async throws -> ChildProcess {
    let patience = min(patience, helloPatience)
    let errorFile = folder.appending("\(name).stderr")
    let errors = try errorDescriptor(errorFile)
    let (requests, feed) = AsyncStream<String>.makeStream()
    let (answers, reply) = AsyncStream<String>.makeStream()
    let ending = Task {
      await converse(command, environment, errors: errors, requests: requests, answers: reply)
    }
    var iterator = answers.makeAsyncIterator()
    guard let process = (await iterator.next()).flatMap({ Int32($0) }) else {
      feed.finish()
      throw await noHello(ending, command)
    }
    if !command.isOwn { AbandonedGroup.note(process, in: folder) }
    let watchdog = Watchdog(over: process, after: patience)
    let line = await iterator.next()
    let isSilent = await watchdog.end()
    guard let line else {
      feed.finish()
      if Task.isCancelled { kill(-process, SIGKILL) }
      if isSilent {
        _ = await ending.value
        throw ChildFault.silent(patience)
      }
      throw await noHello(ending, command)
    }
    let hello: Hello
    do {
      hello = try Hello.read(line)
    } catch {
      feed.finish()
      kill(-process, SIGKILL)
      throw error
    }
    return ChildProcess(
      process: process, version: hello.protocol, requests: feed, answers: iterator, ending: ending,
      errorFile: errorFile)
  }

  private static func errorDescriptor(_ file: FilePath) throws -> FileDescriptor {
    do {
      return try FileDescriptor.open(
        file, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: .ownerReadWrite)
    } catch let error as Errno {
      throw Fault(
        "a child's standard error cannot be kept: \(error.description)", at: file.string,
        fix: "make room in TMPDIR, or set it to a folder that can be written")
    }
  }

  /// Runs the program to its end. What it answers begins with its number, which no line of its own is.
  private static func converse(
    _ command: WorkerCommand, _ environment: [String: String], errors: FileDescriptor,
    requests: AsyncStream<String>, answers: AsyncStream<String>.Continuation
  ) async -> ProcessEnding {
    let leader = Mutex<Int32?>(nil)
    defer {
      // What the child started goes when it has gone, however that was.
      if let process = leader.withLock({ $0 }) { Leftovers.leave(child: process) }
      answers.finish()
    }
    // A crash must leave a signal and a line, not minutes of a backtrace's work.
    let more = environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    do {
      let result = try await Subprocess.run(
        command.executable, arguments: Arguments(command.arguments),
        environment: .inherit.updating(
          Dictionary(uniqueKeysWithValues: more.map { (.init(stringLiteral: $0), $1) })),
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
        answers.yield("\(process)")
        guard let first = try await lines.next() else { return }
        answers.yield(first)
        for await request in requests {
          // A child that is gone cannot be written to; its end says why.
          guard (try? await execution.standardInputWriter.write(request)) != nil,
            let answer = try await lines.next()
          else { return }
          answers.yield(answer)
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
    process: Int32, version: Int, requests: AsyncStream<String>.Continuation,
    answers: sending AsyncStream<String>.Iterator, ending: Task<ProcessEnding, Never>,
    errorFile: FilePath
  ) {
    self.process = process
    self.version = version
    self.requests = requests
    self.answers = answers
    self.ending = ending
    self.errorFile = errorFile
  }

  package func reply(to request: Request, timeout: Seconds) async throws -> String? {
    requests.yield(try WireLine.encode(request.speaking(version)))
    let watchdog = Watchdog(over: process, after: timeout)
    let line = await nextAnswer()
    if await watchdog.end() { timedOut = true }
    // Half a line is what a child had written when it was ended.
    return timedOut ? nil : line
  }

  private func nextAnswer() async -> String? {
    var iterator = answers
    let line = await iterator.next(isolation: #isolation)
    answers = iterator
    return line
  }

  /// One that is being waited for when this program is interrupted is ended, too.
  package func end() async -> ProcessEnding {
    requests.finish()
    let process = process
    let watchdog = Watchdog(over: process, after: leavePatience)
    let left = await withTaskCancellationHandler {
      await ending.value
    } onCancel: {
      kill(-process, SIGKILL)
    }
    await watchdog.end()
    return left
  }

  package func stop() async -> ProcessEnding {
    kill(-process, SIGKILL)
    return await end()
  }

  package func lastWords() -> String? {
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
