package import Comparing
import Quantities

/// The gate's answer for people, in 80 columns.
package struct GateTable {
  private let answer: GateAnswer
  private let rule: GateRule
  let names: NamedRows

  package init(_ answer: GateAnswer, rule: GateRule) {
    self.answer = answer
    self.rule = rule
    names = NamedRows(answer.cells.map(\.name))
  }

  package var lines: [String] {
    [first] + names.shared.flatMap { $0.wrapped(80) } + [""] + rows + [""]
      + notes.flatMap { $0.wrapped(80) }
  }

  /// The verdict and the census.
  package var first: String {
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
  var ordered: [JudgedCase] {
    let order: [CaseVerdict] = [
      .regressed, .failed, .inconclusive, .accepted, .improved, .new, .vanished, .pass, .skipped,
    ]
    return order.flatMap { verdict in answer.cells.filter { $0.verdict == verdict } }
  }

  private var rows: [String] {
    var lines: [String] = []
    for cell in ordered {
      lines += names.label(cell.name).wrapped(80)
      lines.append("  " + figures(of: cell))
      if let reason = cell.reason { lines += reason.wrapped(76).map { "    " + $0 } }
    }
    return lines
  }

  private func figures(of cell: JudgedCase) -> String {
    var parts = [cell.verdict.rawValue.left(12)]
    if let change = cell.change {
      var text = Self.signed(change.median)
      if let low = change.low, let high = change.high {
        text += " (\(Self.signed(low)) to \(Self.signed(high)))"
      }
      parts.append(text.left(32))
    }
    parts.append(counted(cell.blocks, "block").right(10))
    if let detectable = cell.detectable {
      parts.append("sees \(Self.share(detectable))")
    }
    return parts.joined(separator: "  ").trimmingTrailingBlanks
  }

  /// What is to be mended beside the cases, and what the verdicts mean.
  var notes: [String] { answer.staleAcceptances + [claim] }

  /// In numbers.
  private var claim: String {
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

  private func significantPercent(_ share: Double) -> String {
    let text = fixed(share * 100, 2)
    var trimmed = text[...]
    while trimmed.hasSuffix("0") { trimmed = trimmed.dropLast() }
    if trimmed.hasSuffix(".") { trimmed = trimmed.dropLast() }
    return String(trimmed)
  }

  /// `3.2 %`.
  static func share(_ share: Double) -> String { "\(fixed(share * 100, 1)) %" }

  /// `+3.2 %`, `-0.4 %`.
  static func signed(_ share: Double) -> String {
    let text = fixed(share * 100, 1)
    return "\(text.hasPrefix("-") ? "" : "+")\(text) %"
  }
}
