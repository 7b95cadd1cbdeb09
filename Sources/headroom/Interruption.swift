import Dispatch
import Glibc

/// Turns Ctrl-C and a request to terminate into a cancelled task, so that children are ended and
/// nothing of theirs is left behind.
enum Interruption {
  /// What is left, and how to go on.
  struct Stopped: Error {
    let advice: String
  }

  /// - Throws: `Stopped` where the task was cancelled.
  static func cancels<Result: Sendable>(
    advice: String, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let work = Task { try await body() }
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { work.cancel() }
      source.resume()
      return source
    }
    defer { sources.forEach { $0.cancel() } }
    do { return try await work.value } catch is CancellationError { throw Stopped(advice: advice) }
  }
}
