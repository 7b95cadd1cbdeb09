package import Quantities
import Records

/// A process that answers requests, one at a time: a worker, or a test's script of one.
///
/// Whoever starts one has read its hello; whoever has one ends or stops it.
package protocol Child: Sendable {
  var process: Int32 { get }

  /// The line that it answers, or nothing when it ended instead: for taking longer than `timeout`, or
  /// otherwise.
  func reply(to request: Request, timeout: Seconds) async throws -> String?

  /// Whether it was ended for taking longer than it may.
  var timedOut: Bool { get async }

  /// Closes its input, which makes a worker leave, and waits; one that stays is ended.
  func end() async -> ProcessEnding

  /// Ends a child that must not go on.
  func stop() async -> ProcessEnding

  /// The end of what it wrote on its standard error.
  func lastWords() async -> String?
}

extension Child {
  /// The answer that a request asks for.
  ///
  /// - Parameters:
  ///   - doing: what the child does meanwhile, for the words of its end.
  ///   - read: the answer's content, if it is of the kind that was asked for.
  /// - Throws: a `ChildFailure`, or a `CancellationError` where it is this program that is interrupted:
  ///   then the child has no fault of its own.
  func ask<Value>(
    _ request: Request, timeout: Seconds, while doing: String, _ read: (Answer) -> Value?
  ) async throws -> Value {
    try await ChildFailure.telling {
      guard let line = try await reply(to: request, timeout: timeout) else {
        try Task.checkCancellation()
        throw ChildFailure.ended(await ending(while: doing, timeout: timeout))
      }
      let answer = try Answer.read(line)
      if case .failed(let outcome, let check) = answer { throw ChildFailure.told(outcome, check) }
      guard let value = read(answer) else {
        throw ChildFault.impossible("what it was not asked for")
      }
      return value
    }
  }

  private func ending(while doing: String, timeout: Seconds) async -> ChildEnding {
    ChildEnding(
      ending: await end(), timedOut: await timedOut, timeout: timeout, doing: doing,
      lastWords: await lastWords() ?? "")
  }
}
