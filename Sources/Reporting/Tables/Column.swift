import Quantities
import Records

/// One figure of a case as tables for people show it, whatever the format.
enum Column: CaseIterable {
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

  /// Where a figure could not be had.
  static let absent = "–"

  var title: String {
    switch self {
    case .latency: "latency"
    case .spread: "±95 %"
    case .p90: "p90"
    case .p99: "p99"
    case .flops: "GFLOP/s"
    case .bytes: "GB/s"
    case .rate: "rate"
    case .tokens: "tokens/s"
    case .share: "of ceiling"
    case .peak: "memory"
    case .error: "error"
    case .versus: "× best competitor"
    }
  }

  func cell(_ report: CaseReport) -> String {
    let latency = report.latency.value
    let throughput = report.throughput.value
    let text: String? =
      switch self {
      case .latency: latency?.median.description
      case .spread:
        latency.map { $0.interval.value.map { Self.halfWidth($0.relativeHalfWidth) } ?? "±?" }
      case .p90: latency?.p90.description
      case .p99: latency?.p99.description
      case .flops: throughput.map { Self.billions($0.flopsPerSecond) }
      case .bytes: throughput.map { Self.billions($0.bytesPerSecond) }
      case .rate: throughput.map { Self.rate($0, boundBy: report.ceiling.value?.bound) }
      case .tokens: throughput?.tokensPerSecond.value.map { significant($0) }
      case .share: report.ceiling.value.map { "\(fixed($0.share * 100, 0)) % \($0.binding)" }
      case .peak: report.memory.peak.value?.description
      case .error: report.check.value.map { Self.error($0) }
      case .versus: report.competition.map { Self.versus($0) }
      }
    return text ?? Self.absent
  }

  static func rateLegend(hasTokens: Bool) -> String {
    "rate: GFLOP/s where arithmetic binds, GB/s where memory does"
      + (hasTokens ? ", tokens/s of models; " : "; ")
  }

  /// What the columns mean, where their titles do not tell.
  static let legend =
    "of ceiling: the shortest time this machine allows ÷ the median, and what binds; "
    + "memory: the ledger's peak, as predicted unless marked ≠; error: ÷ its tolerance, 1 is the most that passes"

  static let formatLegend =
    "error in %: what storing the weights so costs, as the results' root mean square error "
    + "against unrounded weights'; the kernel's own error is within its tolerance"

  /// Rounded up, so that an interval is never told narrower than it is.
  private static func halfWidth(_ share: Double) -> String {
    let tenths = (share * 1000 - 1e-9).rounded(.up)
    if tenths < 100 { return "±\(fixed(tenths / 10, 1)) %" }
    return share < 9.99 ? "±\(fixed((share * 100).rounded(.up), 0)) %" : "±999+%"
  }

  private static func billions(_ rate: Double) -> String {
    let billions = rate / 1e9
    return billions > 0 && billions < 0.01 ? "<0.01" : significant(billions)
  }

  private static func rate(_ throughput: Throughput, boundBy bound: CeilingShare.Bound?) -> String {
    if let tokens = throughput.tokensPerSecond.value { return "\(significant(tokens)) tok/s" }
    return bound == .memory
      ? "\(billions(throughput.bytesPerSecond)) GB/s"
      : "\(billions(throughput.flopsPerSecond)) GF/s"
  }

  /// What the format costs, where it costs anything: the kernel's own share has passed.
  private static func error(_ check: Record.Check) -> String {
    if let format = check.ofFormat, format > 0 { return "\(significant(format * 100)) %" }
    let multiple = check.ofTolerance
    if multiple > 0, multiple < 0.01 { return "<0.01" }
    return multiple < 1000 ? fixed(multiple, 2) : scientific(multiple)
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
  /// What it took turns with, where that is a library of others and it is not.
  var competition: Versus? {
    library == nil ? versus.value.flatMap { $0.library == nil ? nil : $0 } : nil
  }
}
