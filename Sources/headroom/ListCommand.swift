import ArgumentParser
import Planning
import Reporting

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Tells what there is: workloads with their axes, formats, models.")

  @Argument(help: "workloads, formats or models; all when left out.")
  var subject: ListDocument.Subject?

  @Option(help: "Write it as JSON to this file; - is standard output.")
  var json: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(["json": json], replace: replace.isGiven)
    try outputs.deliver(
      ListDocument.make(
        subject.map { [$0] } ?? ListDocument.Subject.allCases, catalog: .standard))
  }
}

extension ListDocument.Subject: ExpressibleByArgument {}
