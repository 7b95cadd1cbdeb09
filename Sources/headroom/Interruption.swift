import Dispatch
import Glibc

/// Turns Ctrl-C and a request to terminate into a cancelled task, so that children are ended and
/// nothing of theirs is left behind.
enum Interruption {
  static func cancels<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
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
    return try await work.value
  }
}
