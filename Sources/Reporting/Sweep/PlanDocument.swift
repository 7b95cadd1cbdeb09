import OrderedCollections
package import Planning
import Quantities
import Records

/// A plan for people: what a sweep would run and what it would not, before the first child starts.
package enum PlanDocument {
  package static func make(_ plan: Plan) -> Document {
    var document = Document(plan.suite.name) { try JSONText.encode(Listing(plan), pretty: true) }
    document.add(.heading("Plan of \(plan.suite.name)", level: 1), for: .page)
    document.add(.table(table(plan)))
    let all = plan.cases.map(\.case) + plan.skips.map(\.case)
    for sentence in SkippedCases.sentences(
      plan.skips.map { ($0.case, $0.reason) }, of: all)
    {
      document.say(sentence, .quiet)
    }
    for sentence in Misfits.sentences(of: plan) { document.say(sentence, .warning) }
    let peak = plan.cases.map(\.predicted.peak).max() ?? .zero
    document.add(
      .notes(
        resolved(plan) + [
          "\(counted(plan.cases.count, "case")), \(plan.skips.count) skipped, about "
            + "\(plan.estimatedSeconds), peak \(peak)"
        ]))
    return document
  }

  private static func table(_ plan: Plan) -> Table {
    let areAlike = Set(plan.cases.map(\.variant)).count <= 1
    let someLackRoom = !plan.misfits.isEmpty
    func fits(_ planned: PlannedCase) -> [Cell] {
      someLackRoom ? [.words(planned.misfit.map { "no (\($0.owner))" } ?? "yes")] : []
    }
    return Table(
      (areAlike ? [] : [.init("runs as", .left)])
        + [.init("predicted peak"), .init("work")]
        + (someLackRoom ? [.init("fits", .left)] : []),
      rows: plan.cases.map { planned in
        Table.Row(
          .asked(planned.case),
          (areAlike ? [] : [.words(planned.variant)]) + [
            .bytes(planned.predicted.peak), .operations(planned.work.flops),
          ] + fits(planned),
          tone: planned.misfit == nil ? .plain : .warning)
      })
  }

  /// What `best` stands for, where it stands for one thing.
  private static func resolved(_ plan: Plan) -> [String] {
    let variants = Set(plan.cases.map(\.variant))
    let asksForBest = plan.cases.contains { $0.case.axes["variant"]?.text == "best" }
    guard let variant = variants.first, variants.count == 1, asksForBest else { return [] }
    return ["variant best runs as \(variant)"]
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
      let fits: Bool
      /// What it lacks, where it does not.
      let misfit: Misfit?
      /// Of one process.
      let estimatedSeconds: Seconds
    }

    struct SkipEntry: Encodable {
      let id: String
      let reason: String
    }

    init(_ plan: Plan) {
      cases = plan.cases.map {
        Entry(
          id: $0.case.id, variant: $0.variant, threads: $0.threads,
          predictedBytes: $0.predicted.peak, flops: $0.work.flops, fits: $0.misfit == nil,
          misfit: $0.misfit, estimatedSeconds: plan.estimate(of: $0).total)
      }
      skips = plan.skips.map { SkipEntry(id: $0.case.id, reason: $0.reason) }
      estimatedSeconds = plan.estimatedSeconds
    }
  }
}
