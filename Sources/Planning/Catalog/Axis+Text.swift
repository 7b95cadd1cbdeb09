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
    case .texts(let words, let calls):
      if words.contains(text) { return .word(text) }
      guard let name = calls.first(where: { text.hasPrefix("\($0)(") }), text.hasSuffix(")") else {
        throw SuiteFault.unknownWord(
          text, axis: self.name, known: words + calls.map { "\($0)(256)" }, place)
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
}
