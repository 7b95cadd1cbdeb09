/// A value that was measured, or the reason why there is none: never a 0 that means "unknown".
package enum Reading<Value: Codable & Sendable>: Codable, Sendable {
  case measured(Value)
  case unavailable(String)

  package var value: Value? {
    if case .measured(let value) = self { value } else { nil }
  }

  package var reason: String? {
    if case .unavailable(let reason) = self { reason } else { nil }
  }

  package func map<Other>(_ transform: (Value) -> Other) -> Reading<Other> {
    switch self {
    case .measured(let value): .measured(transform(value))
    case .unavailable(let reason): .unavailable(reason)
    }
  }

  private enum CodingKeys: String, CodingKey { case value, unavailable }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let reason = try container.decodeIfPresent(String.self, forKey: .unavailable) {
      self = .unavailable(reason)
    } else {
      self = .measured(try container.decode(Value.self, forKey: .value))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .measured(let value): try container.encode(value, forKey: .value)
    case .unavailable(let reason): try container.encode(reason, forKey: .unavailable)
    }
  }
}

extension Reading: Equatable where Value: Equatable {}
extension Reading: Hashable where Value: Hashable {}
