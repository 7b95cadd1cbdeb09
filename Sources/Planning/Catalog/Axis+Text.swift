import Quantities
import Records
import Workloads

extension Axis {
  /// The value that a text stands for, as case ids write it.
  func value(_ text: String, at place: Place) throws -> AxisValue {
    switch domain {
    case .words(let words):
      let isCommand =
        name == HarnessAxis.variant.rawValue && text.hasPrefix(VariantDescription.command)
        && text != VariantDescription.command
      guard isCommand || words.contains(text) else {
        throw SuiteFault.unknownWord(text, axis: name, known: words, place)
      }
      return AxisValue(text)
    case .texts(let words, let calls, let sizes, let takesShares):
      if words.contains(text) { return .word(text) }
      if let size = try self.size(text, of: sizes, at: place) { return size }
      if takesShares {
        guard let share = Double(text), share >= 0, share < 1 else {
          throw SuiteFault.notAShare(text, axis: name, place)
        }
        // So that `0.10` and `0.1` are one id.
        return .word(share == 0 ? "0" : "\(share)")
      }
      guard let name = calls.first(where: { text.hasPrefix("\($0)(") }), text.hasSuffix(")") else {
        throw SuiteFault.unknownWord(
          text, axis: self.name,
          known: words + calls.map { "\($0)(256)" } + sizes.map { "\($0)(200MiB)" }, place)
      }
      let number = text.dropFirst(name.count + 1).dropLast()
      guard let count = Int(number) else {
        throw SuiteFault.notANumber(String(number), axis: "\(self.name) \(name)", words: [], place)
      }
      guard count >= 1 else {
        throw SuiteFault.tooSmall(String(number), axis: "\(self.name) \(name)", place)
      }
      return .word("\(name)(\(count))")
    case .number(let least, let words):
      if words.contains(text) { return .word(text) }
      guard let number = Int(text) else {
        throw SuiteFault.notANumber(text, axis: name, words: words, place)
      }
      guard number >= least else {
        throw SuiteFault.tooSmall(text, least: least, axis: name, place)
      }
      return .number(number)
    case .bytes:
      guard let bytes = Bytes(text), bytes > .zero else {
        throw SuiteFault.notAnAmount(text, axis: name, place)
      }
      // Blanks go, so that `8 GiB` and `8GiB` are one id.
      return AxisValue(String(text.filter { $0 != " " }))
    }
  }
  /// One of the names with an amount of memory.
  private func size(_ text: String, of names: [String], at place: Place) throws -> AxisValue? {
    guard let name = names.first(where: { text.hasPrefix("\($0)(") }), text.hasSuffix(")") else {
      return nil
    }
    let amount = String(text.dropFirst(name.count + 1).dropLast())
    guard let bytes = Bytes(amount), bytes > .zero else {
      throw SuiteFault.notAnAmount(amount, axis: "\(self.name) \(name)", place)
    }
    return .word(String(text.filter { $0 != " " }))
  }
}
