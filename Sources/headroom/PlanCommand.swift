import ArgumentParser
import OrderedCollections
import Planning
import Quantities
import Records

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
    try outputs.write("json") { try JSONText.encode(Listing(plan), pretty: true) }
    if outputs.takeStandardOutput { return }
    for planned in plan.cases {
      let variant = planned.variant == planned.case.axes["variant"]?.text ? "" : planned.variant
      Console.print(planned.case.id.printable())
      Console.print(
        "  \([variant.printable(), "\(planned.threads) thr", "peak \(planned.predicted.peak)"].filter { !$0.isEmpty }.joined(separator: ", "))"
      )
    }
    for skip in plan.skips {
      Console.print(skip.case.id.printable())
      Console.print("  skipped: \(skip.reason.printable())")
    }
    for note in plan.notes { Console.diagnose("note: \("\(note)".printable())") }
    let peak = plan.cases.map(\.predicted.peak).max() ?? .zero
    Console.print(
      "\(counted(plan.cases.count, "case")), \(plan.skips.count) skipped, at most \(plan.estimatedSeconds), "
        + "peak \(peak)")
  }

  /// The plan as scripts read it.
  private struct Listing: Encodable {
    let cases: [Entry]
    let skips: [SkipEntry]
    let estimatedSeconds: Seconds

    struct Entry: Encodable {
      let id: String
      let variant: String
      let threads: Int
      let predictedBytes: Bytes
      let flops: Int
    }

    struct SkipEntry: Encodable {
      let id: String
      let reason: String
    }

    init(_ plan: Plan) {
      cases = plan.cases.map {
        Entry(
          id: $0.case.id, variant: $0.variant, threads: $0.threads,
          predictedBytes: $0.predicted.peak, flops: $0.work.flops)
      }
      skips = plan.skips.map { SkipEntry(id: $0.case.id, reason: $0.reason) }
      estimatedSeconds = plan.estimatedSeconds
    }
  }
}
