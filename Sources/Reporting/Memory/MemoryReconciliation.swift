import Quantities
import Records

/// What was predicted of memory, what the ledger saw, and what the system gave: of all cases that ran.
struct MemoryReconciliation {
  private let exact: Int
  private let planned: [CaseReport]
  /// How far private memory lies from the ledger's peak, of cases that are large enough to tell.
  private let errors: [(report: CaseReport, error: Double)]

  /// Below it the pages that a process touches for itself are no small part.
  private static let least = Bytes.mebibytes(100)

  init(_ cases: [CaseReport]) {
    planned = cases.filter {
      $0.outcome == .ok && $0.memory.predicted.value != nil && $0.memory.peak.value != nil
    }
    exact = planned.count { !$0.memory.strayed }
    errors = planned.compactMap { report in
      guard let peak = report.memory.peak.value, let real = report.memory.privatePeak.value,
        peak >= Self.least
      else { return nil }
      return (report, Double(real.count - peak.count) / Double(peak.count))
    }
  }

  /// How well predictions held, where there is something to tell.
  var notes: [String] {
    guard !errors.isEmpty || exact < planned.count else { return [] }
    var words = "memory: predicted = ledger in \(exact) of \(counted(planned.count, "case"))"
    if let worst = errors.max(by: { abs($0.error) < abs($1.error) }) {
      let sorted = errors.map { abs($0.error) }.sorted()
      words +=
        "; private peak against it, of \(counted(errors.count, "case")) from \(Self.least) up: "
        + "worst \(Cell.signed(worst.error)), median \(fixed(sorted[sorted.count / 2] * 100, 1)) %"
    }
    return [words]
  }

  /// Those that were not as predicted, by role.
  func addStrayed(to document: inout Document) {
    let strayed = planned.filter(\.memory.strayed)
    guard !strayed.isEmpty else { return }
    document.add(.heading("Memory that was not as predicted", level: 2), for: .page)
    document.add(.table(table(strayed)), for: .page)
  }

  /// Each case with its signed errors by role.
  private func table(_ reports: [CaseReport]) -> Table {
    Table(
      [.init("predicted"), .init("ledger"), .init("by role", .left)],
      rows: reports.map { report in
        let (before, after) = (report.memory.predictedByRole.value, report.memory.byRole.value)
        let roles = MemoryRole.allCases.compactMap { role -> String? in
          let change =
            (after?[role] ?? .zero).count - (before?[role] ?? .zero).count
          guard change != 0 else { return nil }
          return "\(role.label) \(change > 0 ? "+" : "−")\(Bytes(abs(change)))"
        }
        return Table.Row(
          .asked(report.case),
          [
            report.memory.predicted.value.map { .bytes($0) } ?? .absent,
            report.memory.peak.value.map { .bytes($0) } ?? .absent,
            .words(roles.joined(separator: ", ")),
          ])
      })
  }
}
