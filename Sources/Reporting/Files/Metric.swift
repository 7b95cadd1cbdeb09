import Quantities

/// One named figure as files write it: the single place where a figure meets its name.
struct Metric {
  /// In `snake_case`.
  let name: String
  /// What a file without sections puts behind the name, where the name alone does not tell.
  let unit: String?
  let value: Value

  indirect enum Value {
    case number(Double)
    case count(Int)
    case text(String)
    case flag(Bool)
    case list([String])
    case object([Metric])
    /// Written as `null`, which says that there is none.
    case none
    /// Written as `null` beside the reason.
    case unavailable(String)
    /// A value of the records, written as it is on disk.
    case stored(any Encodable)
  }

  init(_ name: String, _ value: Value, unit: String? = nil) {
    self.name = name
    self.unit = unit
    self.value = value
  }

  init(_ name: String, _ text: String?) {
    self.init(name, text.map { .text($0) } ?? .none)
  }

  init(_ name: String, _ reading: Reading<Double>, unit: String? = nil) {
    self.init(name, .of(reading) { .number($0) }, unit: unit)
  }

  init(_ name: String, _ reading: Reading<Seconds>) {
    self.init(name, .of(reading) { .number($0.value) }, unit: "seconds")
  }

  init(_ name: String, _ reading: Reading<Bytes>) {
    self.init(name, .of(reading) { .count($0.count) })
  }

  init(_ name: String, _ reading: Reading<Int>) {
    self.init(name, .of(reading) { .count($0) })
  }

  init(_ name: String, _ reading: Reading<String>) {
    self.init(name, .of(reading) { .text($0) })
  }

  init(_ name: String, _ reading: Reading<Bool>) {
    self.init(name, .of(reading) { .flag($0) })
  }
}

extension Metric.Value {
  static func of<Content>(_ reading: Reading<Content>, _ wrap: (Content) -> Self) -> Self {
    switch reading {
    case .measured(let content): wrap(content)
    case .unavailable(let reason): .unavailable(reason)
    }
  }
}

extension Metric.Value: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    // JSON has no word for a number that is none.
    case .number(let number):
      if number.isFinite { try container.encode(number) } else { try container.encodeNil() }
    case .count(let count): try container.encode(count)
    case .text(let text): try container.encode(text)
    case .flag(let flag): try container.encode(flag)
    case .list(let list): try container.encode(list)
    // As a dictionary: its keys are written as they are.
    case .object(let metrics): try container.encode(Self.entries(of: metrics))
    case .none, .unavailable: try container.encodeNil()
    case .stored(let value): try value.encode(to: encoder)
    }
  }

  private static func entries(of metrics: [Metric]) -> [String: Metric.Value] {
    var entries: [String: Metric.Value] = [:]
    for metric in metrics {
      entries[metric.name] = metric.value
      if let reason = metric.value.absence { entries["\(metric.name)_unavailable"] = .text(reason) }
    }
    return entries
  }

  private var absence: String? {
    switch self {
    case .unavailable(let reason): reason
    case .number(let number): number.isFinite ? nil : "the figure is \(number)"
    default: nil
    }
  }
}
