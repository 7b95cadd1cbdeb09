import ArgumentParser
import Comparing
import Foundation
import Quantities
import Records
import Reporting

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compares two stored results: times as far as they can tell, counts exactly.",
    discussion: """
      Results are files of sweep or gate, google-benchmark's, llama-bench's or hyperfine's JSON, or \
      what go test -bench printed; a folder holds one process' results a file.
      """)

  @Argument(help: "What to compare with.")
  var base: String

  @Argument(help: "What to compare.")
  var head: String

  @Option(help: "Write the comparison as JSON to this file; - is standard output.")
  var json: String?

  @Option(help: "Write it as Markdown to this file; - is standard output.")
  var markdown: String?

  @Flag(help: "Leave with 0 where nothing grew and something could not be told.")
  var allowInconclusive = false

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(
      ["json": json, "markdown": markdown], inputs: [base, head], replace: replace.isGiven)
    let (base, head) = (try ResultReader.read(base), try ResultReader.read(head))
    let diff = Diff(base, head, noise: try noise(base))
    try outputs.deliver(DiffDocument.make(diff))
    try ExitStatus.leave(with: diff.verdict, allowInconclusive: allowInconclusive)
  }

  /// Of the machine that base was measured on.
  private func noise(_ base: ResultSet) throws -> Reading<SessionNoise> {
    guard let machine = base.machine?.fingerprint else {
      return .unavailable(
        "what sessions differ by is known of machines that this program calibrated, and "
          + "\(base.tool.rawValue) does not say which one this is")
    }
    return try CalibrationFile(
      of: machine, environment: ProcessInfo.processInfo.environment
    ).read().sessionNoise
  }
}
