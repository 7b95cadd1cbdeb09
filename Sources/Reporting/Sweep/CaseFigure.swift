import Quantities
import Records

/// One figure of a case as tables for people show it, whatever the format.
enum CaseFigure: CaseIterable {
  case latency
  case spread
  case p90
  case p99
  case flops
  case bytes
  /// Where there is room for one: tokens of a model, else what binds, arithmetic or bytes.
  case rate
  case tokens
  case share
  case peak
  case error
  /// Beside a competitor that took turns with it.
  case versus

  /// What 80 columns have room for.
  static let brief: [CaseFigure] = [.latency, .spread, .rate, .share, .peak, .error]

  /// What a page has room for, as far as these cases have it.
  static func ofPages(_ cases: [CaseReport]) -> [CaseFigure] {
    allCases.filter { $0 != .rate && $0.isKnown(in: cases) }
  }

  /// What a page of results shows: how near to the limit, and to others.
  static func ofResults(_ cases: [CaseReport]) -> [CaseFigure] {
    [.latency, .spread, .tokens, .share, .versus].filter { $0.isKnown(in: cases) }
  }

  /// Whether a column would say something of some case, where not every sweep has it.
  private func isKnown(in cases: [CaseReport]) -> Bool {
    switch self {
    case .tokens: cases.contains { $0.throughput.value?.tokensPerSecond.value != nil }
    case .versus: cases.contains { $0.competition != nil }
    default: true
    }
  }

  /// Widths are those of the widest figure that there can be: rows are printed one by one.
  var column: Table.Column {
    switch self {
    case .latency: .init("latency", width: 9, gap: 0)
    case .spread: .init("±95 %", width: 7, gap: 0, marks: 2)
    case .p90: .init("p90")
    case .p99: .init("p99")
    case .flops: .init("GFLOP/s")
    case .bytes: .init("GB/s")
    case .rate: .init("rate", width: 10, gap: 0)
    case .tokens: .init("tokens/s")
    case .share: .init("of ceiling", .left, width: 10)
    case .peak: .init("memory", width: 9, gap: 0, marks: 1)
    case .error: .init("error", width: 6, gap: 0)
    case .versus: .init("× best competitor")
    }
  }

  func cell(_ report: CaseReport) -> Cell {
    let latency = report.latency.value
    let throughput = report.throughput.value
    let cell: Cell? =
      switch self {
      case .latency: latency.map { .seconds($0.median) }
      case .spread: latency.map { .halfWidth($0.interval.value?.relativeHalfWidth) }
      case .p90: latency.map { .seconds($0.p90) }
      case .p99: latency.map { .seconds($0.p99) }
      case .flops: throughput.map { .billions($0.flopsPerSecond) }
      case .bytes: throughput.map { .billions($0.bytesPerSecond) }
      case .rate: throughput.map { Self.rate($0, boundBy: report.ceiling.value?.bound) }
      case .tokens: throughput?.tokensPerSecond.value.map { .number($0) }
      case .share: report.ceiling.value.map { .share($0.share, of: $0.binding) }
      case .peak: report.peak.map { .bytes($0) }
      case .error: report.check.value.map { Self.error($0) }
      case .versus: report.competition.map { .words(Self.versus($0)) }
      }
    return cell ?? .absent
  }

  func marked(_ report: CaseReport) -> Table.Marked {
    let beside: [Mark] =
      switch self {
      case .spread: [.unsteady, .wide]
      case .peak: [.strayed]
      default: []
      }
    let marks = report.marks.filter(beside.contains).map(\.rawValue).joined()
    return Table.Marked(cell(report), marks: marks)
  }

  /// What the column means, where its title does not tell.
  func legend(hasTokens: Bool) -> String? {
    switch self {
    case .rate:
      "rate: GFLOP/s where arithmetic binds, GB/s where memory does"
        + (hasTokens ? ", tokens/s of models" : "")
    case .share: "of ceiling: the shortest time this machine allows ÷ the median, and what binds"
    case .peak:
      "memory: the ledger's peak, as predicted unless marked ≠; of a command, its private memory above what it "
        + "began with"
    case .error: "error: ÷ its tolerance, 1 is the most that passes"
    default: nil
    }
  }

  static let formatLegend =
    "error in %: what storing the weights so costs, as the results' root mean square error "
    + "against unrounded weights'; the kernel's own error is within its tolerance"

  private static func rate(_ throughput: Throughput, boundBy bound: CeilingShare.Bound?) -> Cell {
    if let tokens = throughput.tokensPerSecond.value { return .perSecond(tokens, unit: "tok/s") }
    return bound == .memory
      ? .billionsOf(throughput.bytesPerSecond, unit: "GB/s")
      : .billionsOf(throughput.flopsPerSecond, unit: "GF/s")
  }

  /// What the format costs, where it costs anything: the kernel's own share has passed.
  private static func error(_ check: Record.Check) -> Cell {
    if let format = check.ofFormat, format > 0 { return .words("\(significant(format * 100)) %") }
    return .ofTolerance(check.ofTolerance)
  }

  /// `2.9 (2.7–3.1) openblas`
  static func versus(_ versus: Versus) -> String {
    let range =
      versus.low.flatMap { low in
        versus.high.map { " (\(significant(low))–\(significant($0)))" }
      } ?? ""
    // A command's own words for what it calls are shorter than the command.
    let isCommand = versus.variant.hasPrefix("exec:")
    let name = isCommand ? versus.library ?? versus.variant : versus.variant
    return "\(significant(versus.ratio))\(range) \(name)"
  }
}

extension CaseReport {
  /// The most memory that it had: of a command, as the system saw it.
  var peak: Bytes? {
    memory.peak.value ?? (library == nil ? nil : memory.privatePeak.value)
  }

  /// What it took turns with, where that is a library of others and it is not.
  var competition: Versus? {
    library == nil ? versus.value.flatMap { $0.library == nil ? nil : $0 } : nil
  }
}
