import ArgumentParser
import Comparing
import Foundation
import OrderedCollections
import Quantities
import Reporting

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a run, or the head of a gate's result, in another tool's form.")

  @Argument(help: "A file of headroom sweep or gate.")
  var result: String

  @Option(
    help:
      "One of: \(ForeignFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format: String

  @Option(name: .shortAndLong, help: "The file to write; - is standard output.")
  var output = "-"

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    guard let format = ForeignFormat(rawValue: format) else {
      throw ConsoleFault.badFormat(format, known: ForeignFormat.allCases.map(\.rawValue))
    }
    let outputs = try Outputs(["output": output], inputs: [result], replace: replace.isGiven)
    let results = try ResultReader.read(result)
    for note in results.notes { Console.diagnose("note: \(note)") }
    let cases = results.cases
    let absent = cases.filter { !$0.value.isTimed }
    for (name, found) in absent {
      let reason = found.failure ?? found.skip ?? found.absence ?? "it has no times"
      Console.diagnose("left out: \(name): \(reason)".printable())
    }
    guard absent.count < cases.count else { throw ExitStatus.nothingMeasured }
    try outputs.write("output") { try format.data(results) }
  }
}
