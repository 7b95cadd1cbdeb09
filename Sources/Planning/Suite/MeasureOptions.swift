package import Quantities

/// What a suite or a command line says about measuring; what is left out falls back.
package struct MeasureOptions: Hashable, Sendable {
  /// The half width of the interval at which a case is done, as a fraction: 0.01 is 1 %.
  package var within: Double?
  /// The time that one process may spend on samples.
  package var budget: Seconds?
  /// Processes per case.
  package var runs: Int?
  package var memoryLimit: Bytes?
  /// The time after which a process is ended.
  package var timeout: Seconds?
  package var seed: UInt64?

  package init() {}

  /// Each option of its own, else the other's.
  package func falling(backOn other: MeasureOptions) -> MeasureOptions {
    var options = self
    options.within = within ?? other.within
    options.budget = budget ?? other.budget
    options.runs = runs ?? other.runs
    options.memoryLimit = memoryLimit ?? other.memoryLimit
    options.timeout = timeout ?? other.timeout
    options.seed = seed ?? other.seed
    return options
  }

  /// Each option of its own, else the standard one.
  package var settings: MeasureSettings {
    let standard = MeasureSettings.standard
    return MeasureSettings(
      within: within ?? standard.within, budget: budget ?? standard.budget,
      runs: runs ?? standard.runs, memoryLimit: memoryLimit ?? standard.memoryLimit,
      timeout: timeout ?? standard.timeout, seed: seed ?? standard.seed)
  }
}

/// How cases are measured, all of it settled.
package struct MeasureSettings: Hashable, Codable, Sendable {
  package let within: Double
  package let budget: Seconds
  package let runs: Int
  package let memoryLimit: Bytes?
  package let timeout: Seconds
  package let seed: UInt64

  package static let standard = MeasureSettings(
    within: 0.01, budget: Seconds(5), runs: 1, memoryLimit: nil, timeout: Seconds(60), seed: 1)
}

/// The options by the names that suites give them; the command line puts `--` before.
package enum MeasureKey: String, CaseIterable, Sendable {
  case within
  case budget
  case runs
  case memoryLimit = "memory-limit"
  case timeout
  case seed
}

extension MeasureOptions {
  /// More processes a case than any sweep ends with.
  private static let maxRuns = 100_000

  /// Reads one option, from a suite or from the command line.
  package mutating func set(_ key: MeasureKey, to text: String, at place: Place) throws {
    switch key {
    case .within: within = percentage(text)
    case .budget: budget = Seconds(text).flatMap { $0 > Seconds(0) ? $0 : nil }
    case .runs: runs = Int(text).flatMap { (1...Self.maxRuns).contains($0) ? $0 : nil }
    case .memoryLimit: memoryLimit = Bytes(text).flatMap { $0 > .zero ? $0 : nil }
    case .timeout: timeout = Seconds(text).flatMap { $0 > Seconds(0) ? $0 : nil }
    case .seed: seed = UInt64(text)
    }
    guard has(key) else { throw SuiteFault.badMeasure(key, text, place) }
  }

  /// Reads one option of the command line: `--budget 5s`.
  package mutating func setOption(_ key: MeasureKey, to text: String) throws {
    try set(key, to: text, at: .option("--\(key.rawValue) \(text)"))
  }

  private func has(_ key: MeasureKey) -> Bool {
    switch key {
    case .within: within != nil
    case .budget: budget != nil
    case .runs: runs != nil
    case .memoryLimit: memoryLimit != nil
    case .timeout: timeout != nil
    case .seed: seed != nil
    }
  }

}

/// `0.5 %` as 0.005: a bare number might mean either, and is refused.
func percentage(_ text: String) -> Double? {
  guard text.hasSuffix("%"), let value = Double(text.dropLast().trimmed), value > 0, value < 100
  else { return nil }
  return value / 100
}
