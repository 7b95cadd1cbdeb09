import ArgumentParser
import Comparing
import Foundation
import Quantities
import Records

struct AcceptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept",
    abstract: "Takes a regression upon oneself, for a time: the gate then lets it pass.")

  @Option(help: "The gate's result that the cases regressed in.")
  var from: String

  @Option(name: .customLong("case"), help: "Which cases: a name, or a pattern as 'matmul/*'.")
  var pattern: String

  @Option(help: "The last day on which it holds, as 2027-01-31.")
  var until: String

  @Option(help: "Why the slow-down is worth it.")
  var because: String

  @Option(help: "Who says so (default: the user's name).")
  var who: String?

  @Option(help: "The file to add to.")
  var accept = AcceptanceFile.usualPath

  func run() throws {
    guard case .result(let result) = try GateReplay.read(from) else {
      throw ConsoleFault.notAResult(from)
    }
    let who = Environment.value(who, for: "who") ?? NSUserName()
    let new = try OutputFile.holding(accept) {
      var acceptances = try AcceptanceFile.read(accept, mayBeMissing: true)
      let new = try acceptances.accept(
        pattern, of: result, until: until, today: Self.today, because: because, who: who)
      try AcceptanceFile.write(acceptances, to: accept)
      return new
    }
    for entry in new {
      let limit =
        entry.atMost > 0 ? ", at most +\(significant(entry.atMost * 100)) %" : ""
      Console.print("accepted until \(entry.until): \(entry.metric) of \(entry.case)\(limit)")
    }
    Console.diagnose("wrote \(accept): commit it")
  }

  /// In UTC, so that two machines agree on when an acceptance ends.
  static var today: String { String(Date.now.formatted(.iso8601).prefix(10)) }
}
