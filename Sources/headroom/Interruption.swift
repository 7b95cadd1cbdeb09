import Dispatch
import Glibc
import Running

/// Turns Ctrl-C and requests to end into a cancelled task, so that children are ended and nothing of
/// theirs is left behind. What does not end by itself within most of a second is ended all the same.
enum Interruption {
  /// What is left, and how to go on.
  struct Stopped: Error {
    let advice: String
    let signal: Int32

    /// What a shell calls a program that a signal ended.
    var exitCode: Int32 { 128 + signal }
  }

  /// - Throws: `Stopped` where the task was cancelled.
  static func cancels<Result: Sendable>(
    advice: String, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let work = Task { try await body() }
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
    do {
      let result = try await work.value
      sources.forEach { $0.cancel() }
      return result
    } catch {
      // Whatever a part of it made of being interrupted: it was.
      guard let number = queue.sync(execute: { received.signal }) else { throw error }
      throw Stopped(advice: advice, signal: number)
    }
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
