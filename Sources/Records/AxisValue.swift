/// One value of one axis, as asked.
package enum AxisValue: Hashable, Sendable {
  case number(Int)
  case word(String)

  package init(_ text: some StringProtocol) {
    if let number = Int(text) { self = .number(number) } else { self = .word(String(text)) }
  }

  package var number: Int? {
    if case .number(let number) = self { number } else { nil }
  }

  package var text: String {
    switch self {
    case .number(let number): String(number)
    case .word(let word): word
    }
  }
}

extension AxisValue: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      self = .number(number)
    } else {
      self = .word(try container.decode(String.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .word(let word): try container.encode(word)
    }
  }
}
