import Quantities
import Records

/// What each memory saver costs here, as tables.
enum SaverTables {
  static let title = "What each memory saver costs here"

  /// For 80 columns.
  static func brief(_ comparison: SaverComparison) -> Table {
    Table(
      [
        .init("memory"), .init("×", .left), .init("fell", .left), .init("binds", .left),
        .init("time ×"), .init("MiB/ms"), .init("loss"),
      ], labelTitle: "saver",
      rows: [baseline(comparison)]
        + comparison.rows.map { row in
          Table.Row(
            .words(row.label),
            [
              .bytes(row.peak), ratio(fixed(row.memoryRatio, 2), comparison, row.report), fell(row),
              binds(row.report), .words(time(row)), price(row), loss(comparison, row.training),
            ])
        })
  }

  private static func baseline(_ comparison: SaverComparison) -> Table.Row {
    let report = comparison.baseline
    return Table.Row(
      .words("none"),
      [
        report.memory.peak.value.map { .bytes($0) } ?? .absent,
        ratio("1.00", comparison, report), .words(""), binds(report), .words("1"), .words(""),
        report.training.map { loss(comparison, $0) } ?? .absent,
      ])
  }

  /// With all that is known.
  static func whole(_ comparison: SaverComparison) -> Table {
    Table(
      [
        .init("peak"), .init("× memory", .left), .init("role that fell", .left),
        .init("phase that binds", .left), .init("kept"), .init("time"), .init("× time"),
        .init("saved a ms"), .init("gradient error"), .init("loss"),
        .init("published: memory, time", .left),
      ], labelTitle: "saver",
      rows: [wholeRow("none", comparison.baseline, nil, comparison)]
        + comparison.rows.map { wholeRow($0.label, $0.report, $0, comparison) })
  }

  private static func wholeRow(
    _ label: String, _ report: CaseReport, _ row: SaverComparison.Row?,
    _ comparison: SaverComparison
  ) -> Table.Row {
    Table.Row(
      .words(label),
      [
        report.memory.peak.value.map { .bytes($0) } ?? .absent,
        ratio(row.map { fixed($0.memoryRatio, 2) } ?? "1.00", comparison, report),
        row.map(fell) ?? .words(""), binds(report),
        report.training.map { .bytes($0.keptBytes) } ?? .absent,
        report.latency.value.map { .seconds($0.median) } ?? .absent,
        .words(row.map(time) ?? "1"), row.map(price) ?? .words(""),
        report.check.value.map { .words(scientific($0.relative)) } ?? .absent,
        report.training.map { loss(comparison, $0) } ?? .absent,
        .words(row.map { published($0.published) } ?? ""),
      ])
  }

  /// What others published, a row each, beside what it comes to here; a page has a column for it.
  static func claims(_ comparison: SaverComparison) -> Table {
    func ratio(_ value: Double?) -> Cell { value.map { .words(fixed($0, 2)) } ?? .absent }
    return Table(
      [.init("published memory ×"), .init("here"), .init("published time ×"), .init("here")],
      labelTitle: "saver",
      rows: comparison.rows.flatMap { row in
        row.published.map { claim in
          Table.Row(
            .words(row.label),
            [ratio(claim.memory), ratio(row.memoryRatio), ratio(claim.time), ratio(row.timeRatio)],
            words: [claim.source], tone: .quiet)
        }
      })
  }

  /// Under the tables.
  static func notes(_ comparison: SaverComparison) -> [String] {
    let silent = comparison.rows.flatMap { row in
      row.training.withoutEffect.map { "\(row.label): \($0)" }
    }
    let plans = comparison.rows.flatMap { row in
      row.training.plan.map { "\(row.label): \($0)" }
    }
    let lost = comparison.rows.compactMap { row in
      row.training.lostUpdates.map {
        "\(row.label): \(fixed(100 * $0, 0)) % of the updates of weights were lost to rounding"
      }
    }
    return [
      "memory: the ledger's peak; fell: the role that holds less at it; binds: the phase that it is in; "
        + "time ×: ÷ the time without a saver, with its 95 % interval where they took turns; MiB/ms: saved "
        + "for each millisecond that a step takes longer; loss: after \(counted(comparison.steps, "step")); •: on the Pareto front, no other row "
        + "is as small and as fast, and better in one of the two"
    ] + plans + lost + silent
  }

  private static func fell(_ row: SaverComparison.Row) -> Cell {
    .words(row.fell?.label ?? "nothing")
  }

  private static func binds(_ report: CaseReport) -> Cell {
    report.memory.phase.value.map { .words($0.rawValue) } ?? .absent
  }

  private static func time(_ row: SaverComparison.Row) -> String {
    guard let ratio = row.timeRatio else { return Cell.missing }
    let range =
      row.timeInterval.map { " (\(fixed($0.low, 2))–\(fixed($0.high, 2)))" } ?? ""
    return fixed(ratio, 2) + range
  }

  private static func price(_ row: SaverComparison.Row) -> Cell {
    if let price = row.bytesPerMillisecond { return .number(price / 1_048_576) }
    if row.timeRatio == nil { return .absent }
    return .words(row.memoryRatio < 1 ? "free" : "")
  }

  /// Of memory, with a mark where the row is on the front.
  private static func ratio(
    _ memory: String, _ comparison: SaverComparison, _ report: CaseReport
  ) -> Cell {
    .words(memory + (comparison.isOnFront(report) ? " •" : ""))
  }

  private static func loss(_ comparison: SaverComparison, _ training: TrainingAccount) -> Cell {
    comparison.loss(of: training).map { .words(fixed($0, 4)) } ?? .absent
  }

  private static func published(_ claims: [PublishedClaim]) -> String {
    claims.map { claim in
      func ratio(_ value: Double?) -> String { value.map { fixed($0, 2) } ?? Cell.missing }
      return "\(ratio(claim.memory)), \(ratio(claim.time)) (\(claim.source))"
    }.joined(separator: "; ")
  }
}
