import ArgumentParser
import Planning
import Quantities
import Reporting

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Prints what a sweep would run and skip, and what it would take."
  )

  @OptionGroup var suite: SuiteOptions

  @Option(help: "Write the plan as JSON to this file; - is standard output.")
  var json: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(
      ["json": json], inputs: [suite.suite].compactMap(\.self), replace: replace.isGiven)
    let plan = try suite.plan()
    for note in plan.notes { Console.diagnose("note: \("\(note)".printable())") }
    try outputs.deliver(PlanDocument.make(plan))
  }
}
