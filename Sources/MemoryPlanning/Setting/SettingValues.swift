package import Quantities

/// The values of a setting by their keys, of which each is asked for once: a key that nobody asks for is a mistake.
struct SettingValues {
  private let values: [String: String]
  private(set) var unread: Set<String>

  init(_ values: [String: String]) {
    self.values = values
    unread = Set(values.keys)
  }

  mutating func text(_ key: String) -> String? {
    unread.remove(key)
    return values[key]
  }

  mutating func count(_ key: String) throws -> Int? {
    guard let text = text(key) else { return nil }
    guard let number = Int(text), number >= 0, number < 1 << 40 else {
      throw SettingFault.notACount(key: key, value: text)
    }
    return number
  }

  mutating func number(_ key: String) throws -> Double? {
    guard let text = text(key) else { return nil }
    guard let number = Double(text), number.isFinite, number >= 0 else {
      throw SettingFault.notACount(key: key, value: text)
    }
    return number
  }

  mutating func flag(_ key: String) throws -> Bool? {
    guard let text = text(key) else { return nil }
    switch text {
    case "1", "true", "yes", "on": return true
    case "0", "false", "no", "off", "none": return false
    default: throw SettingFault.unknownWord(key: key, value: text, known: ["1", "0"])
    }
  }

  mutating func word<Value>(_ key: String, _ known: KeyValuePairs<String, Value>) throws -> Value? {
    guard let text = text(key) else { return nil }
    guard let found = known.first(where: { $0.key == text.lowercased() }) else {
      throw SettingFault.unknownWord(key: key, value: text, known: known.map(\.key))
    }
    return found.value
  }
}

/// What is wrong with a setting whose memory is asked for.
package enum SettingFault: FaultConvertible, Hashable {
  case notACount(key: String, value: String)
  case unknownWord(key: String, value: String, known: [String])
  case unknownKey(String, known: [String])
  case missing(key: String, why: String)
  case contradiction(String, mend: String)
  /// It makes sense, and no formula here is right for it.
  case inexpressible(String)
  /// What it takes might pass 64 bits.
  case tooLarge

  package var fault: Fault {
    switch self {
    case .notACount(let key, let value):
      return Fault(
        "\(key) is '\(value)', which is not a number from 0 up", fix: "write \(key) as a number")
    case .unknownWord(let key, let value, let known):
      let nearest = nearestName(to: value, among: known).map { "; did you mean '\($0)'?" } ?? ""
      return Fault(
        "\(key) knows no '\(value)'\(nearest)", fix: "use one of \(known.joined(separator: ", "))")
    case .unknownKey(let key, let known):
      let nearest = nearestName(to: key, among: known).map { "; did you mean '\($0)'?" } ?? ""
      return Fault(
        "there is no setting '\(key)'\(nearest)", fix: "use one of \(known.joined(separator: ", "))"
      )
    case .missing(let key, let why):
      return Fault("\(key) is left out, and \(why)", fix: "give \(key)")
    case .contradiction(let what, let mend): return Fault(what, fix: mend)
    case .tooLarge:
      return Fault(
        "64 bits might not count the bytes of such a setting", fix: "give it smaller numbers")
    case .inexpressible(let what): return Fault(what, fix: "ask for a setting without it")
    }
  }

  /// What it is, in one line.
  package var words: String { fault.what }
}
