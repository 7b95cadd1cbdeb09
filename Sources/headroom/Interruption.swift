import Dispatch
import Glibc
import Kernels
import Running

/// Runs what starts children, and makes of Ctrl-C and requests to end a cancelled task, so that children are ended and nothing of
/// theirs is left behind. What does not end by itself within most of a second is ended all the same.
enum Interruption {
  /// What is left, and how to go on.
  struct Stopped: Error {
    let advice: String
    let signal: Int32

    /// What a shell calls a program that a signal ended.
    var exitCode: Int32 { 128 + signal }
  }

  /// Waits for the body, which is the program's first task: a library that the system refuses a thread
  /// or a file ends the program by a signal, so the system's limits are looked at before.
  ///
  /// - Throws: `Stopped` where a signal came.
  static func cancels<Result: Sendable>(
    advice: String, _ body: @escaping @Sendable () async throws -> Result
  ) throws -> Result {
    try SystemLimits.check(cores: ThreadPool.allowedCPUs.count)
    let outcome = Outcome<Result>()
    let work = Task {
      do { outcome.value = .success(try await body()) } catch { outcome.value = .failure(error) }
      outcome.isThere.signal()
    }
    let received = Received()
    let queue = DispatchQueue(label: "signals")
    let sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number -> (any DispatchSourceSignal)? in
      // Who started it under nohup wants it to outlive its terminal.
      if isIgnored(number), number == SIGHUP { return nil }
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        // A second one does not wait.
        if received.signal != nil { end(by: number, advice) }
        received.signal = number
        work.cancel()
        queue.asyncAfter(deadline: .now() + patience) { end(by: number, advice) }
      }
      source.resume()
      return source
    }
    outcome.isThere.wait()
    sources.forEach { $0.cancel() }
    // Whatever a part of it made of being interrupted: it was.
    if let number = queue.sync(execute: { received.signal }) {
      throw Stopped(advice: advice, signal: number)
    }
    guard let value = outcome.value else {
      preconditionFailure("a task says how it ended before it signals")
    }
    return try value.get()
  }

  /// Written by the task before it signals, read after.
  private final class Outcome<Value: Sendable>: @unchecked Sendable {
    let isThere = DispatchSemaphore(value: 0)
    var value: Result<Value, any Error>?
  }

  /// The signal that came, if one has; read and written on the signals' queue.
  private final class Received: @unchecked Sendable {
    var signal: Int32?
  }

  private static let patience = 0.7

  private static func end(by number: Int32, _ advice: String) -> Never {
    Leftovers.end()
    Console.diagnose("interrupted: \(advice)")
    _exit(128 + number)
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}
