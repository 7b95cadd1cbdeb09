package import Comparing
import Quantities
import Records
import Statistics

/// Two stored results compared, for people: the census first.
package struct DiffDocument {
  private let diff: Diff
  /// Reasons that three cases or more have: said once at the foot.
  private let common: [String: Int]

  package static func make(_ diff: Diff) -> Document { DiffDocument(diff).document }

  private init(_ diff: Diff) {
    self.diff = diff
    var reasons: [String: Int] = [:]
    for cell in diff.cells { if let reason = cell.reason { reasons[reason, default: 0] += 1 } }
    common = reasons.filter { $0.value >= 3 }
  }

  private var document: Document {
    let diff = diff
    var document = Document("diff") { try JSONText.encode(diff, pretty: true) }
    document.say(first, .strong)
    for side in sides { document.say(side) }
    document.add(.table(table))
    for line in foot { document.say(line) }
    return document
  }

  private var table: Table {
    Table(
      [
        .init("verdict", .left), .init("change"), .init("95 % interval", .left),
        .init("processes"),
      ],
      rows: ordered.map { cell in
        var interval = Cell.absent
        if let low = cell.change?.low, let high = cell.change?.high {
          interval = .interval(low, high)
        }
        let reason = cell.reason.flatMap { common[$0] == nil ? $0 : nil }
        return Table.Row(
          Table.Label(name: cell.name),
          [
            .words(Self.text(of: cell)), cell.change.map { .change($0.median) } ?? .absent,
            interval, .words("\(cell.base.processes) and \(cell.head.processes)"),
          ], words: cell.changes.map(Self.words) + [reason].compactMap(\.self))
      })
  }

  /// As rows of a table name a case.
  private func label(_ name: String) -> String {
    let names = diff.cells.map(\.name) + diff.new + diff.vanished
    return RowLabels(names.map { Table.Label(name: $0) }, room: 0).text(of: Table.Label(name: name))
  }

  /// The verdict and the census.
  private var first: String {
    var words = [counted(diff.cells.count, "case") + " compared"]
    for verdict in [
      DiffVerdict.slower, .faster, .same, .cannotTell, .notComparable, .failed, .skipped,
    ] {
      let cells = diff.cells.count { $0.verdict == verdict }
      if cells > 0 { words.append("\(cells) \(Self.word(verdict))") }
    }
    let grown = diff.cells.count { $0.changes.contains(where: \.isWorse) }
    if grown > 0 { words.append("\(grown) with larger counts") }
    if !diff.new.isEmpty { words.append("\(diff.new.count) new") }
    if !diff.vanished.isEmpty { words.append("\(diff.vanished.count) vanished") }
    return "\(diff.verdict.rawValue): " + words.joined(separator: ", ")
  }

  private var sides: [String] {
    [("base", diff.base), ("head", diff.head)].map { side, what in
      "\(side): " + (what.build?.line ?? "of \(what.tool)")
    }
  }

  /// What is worth looking at comes first.
  private var ordered: [DiffCell] {
    let order: [DiffVerdict] = [
      .failed, .slower, .cannotTell, .notComparable, .faster, .same, .skipped,
    ]
    let grown = diff.cells.filter { $0.changes.contains(where: \.isWorse) }
    let rest = order.flatMap { verdict in diff.cells.filter { $0.verdict == verdict } }
    return grown + rest.filter { cell in !cell.changes.contains(where: \.isWorse) }
  }

  private var foot: [String] {
    var lines: [String] = []
    for (reason, count) in common.sorted(by: { $0.key < $1.key }) {
      lines.append("\(count) cases: \(reason)")
    }
    if !diff.machineDifferences.isEmpty {
      lines.append(
        "no times are compared, head was measured on another machine: "
          + diff.machineDifferences.joined(separator: "; "))
    }
    for (what, cases) in [("new", diff.new), ("vanished", diff.vanished)] where !cases.isEmpty {
      lines.append("\(what): " + cases.map(label).joined(separator: ", "))
    }
    let exact = diff.cells.filter { !$0.counts.isEmpty }
    if !exact.isEmpty, exact.allSatisfy(\.changes.isEmpty),
      diff.cells.allSatisfy(\.unstable.isEmpty)
    {
      let cases = exact.count == 1 ? "the case" : "all \(exact.count) cases"
      lines.append("what is counted (work, allocations, bytes by role) is the same in \(cases)")
    }
    lines += diff.notes.map { "note: \($0)" }
    lines.append(claim)
    return lines
  }

  /// What the words mean, in numbers.
  private var claim: String {
    let noise =
      diff.sessionNoise.value.map {
        " Intervals of 95 % are widened by what sessions of this machine differ by "
          + "(\(percent($0.deviation)), from \($0.sessions))."
      } ?? ""
    return "'slower' and 'faster' are false for any of the cases together with a probability of at "
      + "most \(percent(diff.rule.risk)); 'same' holds within what it says, and nothing is called "
      + "so beyond \(percent(diff.rule.detected)).\(noise) Times of other sessions are advisory: "
      + "only larger counts make this fail; headroom gate tells on time."
  }

  /// `same within ±1.2 %`
  private static func text(of cell: DiffCell) -> String {
    guard cell.verdict == .same, let within = cell.within else { return word(cell.verdict) }
    return "same within ±\(percent(within, rounding: .up))"
  }

  private static func word(_ verdict: DiffVerdict) -> String {
    switch verdict {
    case .cannotTell: "cannot tell"
    case .notComparable: "not comparable"
    default: verdict.rawValue
    }
  }

  /// `weights bytes: 16.0 MiB → 17.0 MiB (+6.3 %)`
  private static func words(of change: ExactChange) -> String {
    func text(_ count: Int) -> String {
      change.metric.hasSuffix("bytes") ? "\(Bytes(count))" : "\(count)"
    }
    let share =
      change.base > 0
      ? " (\(Cell.signed((Double(change.head) - Double(change.base)) / Double(change.base))))"
      : ""
    func span(_ count: Int, _ span: ExactChange.Span?) -> String {
      span.map { "\($0.low)–\($0.high)" } ?? "\(count)"
    }
    if change.baseSpan != nil || change.headSpan != nil {
      return
        "\(change.metric): \(span(change.base, change.baseSpan)) → \(span(change.head, change.headSpan))\(share)"
    }
    let both =
      text(change.base) == text(change.head)
      ? "\(change.base) → \(change.head)" : "\(text(change.base)) → \(text(change.head))"
    return "\(change.metric): \(both)\(share)"
  }
}
