import ArgumentParser
import Comparing
import Foundation
import OrderedCollections
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

  func run() throws {
    guard let format = ForeignFormat(rawValue: format) else {
      throw ConsoleFault.badFormat(format, known: ForeignFormat.allCases.map(\.rawValue))
    }
    let results = try ResultReader.read(result)
    let absent = results.cases.filter { $0.value.failure != nil }
    for (name, found) in absent {
      Console.diagnose("left out: \(name): \(found.failure ?? "it has no times")")
    }
    guard absent.count < results.cases.count else { throw ExitStatus.nothingMeasured }
    try Console.write(try format.data(results), to: output)
  }
}
