package import Comparing
import Quantities
import Records

/// The gate's answer for people: the verdict and the census first, then what is worth looking at.
package enum GateDocument {
  package static func make(_ answer: GateAnswer, rule: GateRule) -> Document {
    var document = Document("gate") { try JSONText.encode(answer, pretty: true) }
    document.say(first(answer), .strong)
    document.add(.table(table(answer)))
    for words in answer.staleAcceptances { document.say(words) }
    document.say(claim(answer, rule))
    return document
  }

  private static func table(_ answer: GateAnswer) -> Table {
    Table(
      [
        .init("verdict", .left), .init("change"), .init("95 % interval", .left),
        .init("sees"), .init("blocks"),
      ],
      rows: ordered(answer).map { cell in
        var interval = Cell.absent
        if let low = cell.change?.low, let high = cell.change?.high {
          interval = .interval(low, high)
        }
        return Table.Row(
          Table.Label(name: cell.name),
          [
            .words(cell.verdict.rawValue), cell.change.map { .change($0.median) } ?? .absent,
            interval, cell.detectable.map { .percent($0, digits: 1) } ?? .absent,
            .count(cell.blocks),
          ], words: [cell.reason].compactMap(\.self))
      })
  }

  /// The verdict and the census.
  private static func first(_ answer: GateAnswer) -> String {
    var counts: [CaseVerdict: Int] = [:]
    for cell in answer.cells { counts[cell.verdict, default: 0] += 1 }
    let words = [
      CaseVerdict.regressed, .failed, .inconclusive, .improved, .accepted, .new, .vanished,
      .skipped,
    ]
    .compactMap { verdict in counts[verdict].map { "\($0) \(verdict.rawValue)" } }
    let judged = answer.cells.count(where: \.verdict.isJudged)
    return "\(answer.verdict.rawValue): "
      + (["\(counted(judged, "case")) judged"] + words).joined(separator: ", ")
  }

  /// What is worth looking at comes first.
  private static func ordered(_ answer: GateAnswer) -> [JudgedCase] {
    let order: [CaseVerdict] = [
      .regressed, .failed, .inconclusive, .accepted, .improved, .new, .vanished, .pass, .skipped,
    ]
    return order.flatMap { verdict in answer.cells.filter { $0.verdict == verdict } }
  }

  /// In numbers.
  private static func claim(_ answer: GateAnswer, _ rule: GateRule) -> String {
    func whole(_ share: Double) -> String { "\(significantPercent(share)) %" }
    let tolerances = Set(answer.cells.compactMap(\.tolerance))
    let common = tolerances.count == 1 ? tolerances.first : nil
    let tolerated = common.map { whole($0.tolerated) } ?? "the suite tolerates of it"
    let detected = common.map { "\(whole($0.detected)) or more" } ?? "what must be seen of it"
    var text =
      "If no case slowed by more than \(tolerated), this verdict is 'regressed' "
      + "with a probability of at most \(whole(rule.falseAlarm)), over all cases together; a case "
      + "that slowed by \(detected) passes with at most "
      + "\(whole(rule.missed)). 'sees': the slow-down that fails a case as noisy as this with 99 %."
      + " The change is head's time against base's, with the 95 % interval of its median."
    switch answer.relinkFloor {
    case .measured(let floor):
      text +=
        " Relinking alone moves times here by up to \(whole(floor)), and less is not tolerated."
    case .unavailable(let reason): text += " Not calibrated: \(reason)."
    case nil: break
    }
    switch answer.null {
    case .absent: text += " There was no comparison of base with itself beside these."
    case .still: text += " Base against itself, beside these, looked the same."
    case .contaminated:
      text +=
        " Base against itself looked different: the machine was too restless, and nothing is said"
        + " of head."
    }
    return text
  }

  private static func significantPercent(_ share: Double) -> String {
    let text = fixed(share * 100, 2)
    var trimmed = text[...]
    while trimmed.hasSuffix("0") { trimmed = trimmed.dropLast() }
    if trimmed.hasSuffix(".") { trimmed = trimmed.dropLast() }
    return String(trimmed)
  }
}
