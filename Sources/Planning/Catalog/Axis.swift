import Kernels
import Quantities
package import Records

/// One axis of a workload's cases: its name, what it may hold, and what it holds when left out.
package struct Axis: Hashable, Sendable {
  /// As in suites and on the command line: `kv-heads`.
  package let name: String
  /// As in the problem: `kvHeads`.
  package let label: String
  package let domain: AxisDomain
  /// Shape axes have none: they must be given.
  package let defaultValue: AxisValue?
  /// Whether it may be absent altogether.
  package let isOptional: Bool

  package var isNumber: Bool {
    if case .number = domain { true } else { false }
  }

  /// - Parameter value: the property's value in the workload's smallest problem.
  init?(_ label: String, _ value: Any, _ defaults: [String: String]) {
    if value is Int {
      domain = .number(orWords: [])
    } else if let number = value as? any AxisNumber {
      domain = .number(from: type(of: number).least, orWords: [])
    } else if let word = value as? any AxisWord {
      domain = .words(allWords(word))
    } else if let holder = type(of: value) as? any AxisTextHolder.Type {
      domain = .texts(words: holder.words, calls: holder.calls)
    } else {
      return nil
    }
    self.label = label
    name = kebabCase(label)
    defaultValue = defaults[name].map { AxisValue($0) }
    isOptional = false
  }

  init(_ axis: HarnessAxis, of workload: WorkloadDescription) {
    name = axis.rawValue
    label = axis.rawValue
    defaultValue = axis.defaultValue
    isOptional = axis.defaultValue == nil
    domain =
      switch axis {
      case .variant: .words(["best", "all"] + workload.variants.map(\.name))
      case .threads: .number(orWords: ["all"])
      case .cache: .words(CacheState.allCases.map(\.rawValue))
      case .memoryLimit: .bytes
      }
  }
}

/// What an axis may hold.
package enum AxisDomain: Hashable, Sendable {
  /// Whole numbers from the least up, or one of the words.
  case number(from: Int = 1, orWords: [String])
  case words([String])
  /// Words, or one of the names with a number from 1 up: `window(256)`.
  case texts(words: [String], calls: [String])
  case bytes
}

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

private func allWords<Word: AxisWord>(_ word: Word) -> [String] { Word.allCases.map(\.rawValue) }

/// `kvHeads` as `kv-heads`.
func kebabCase(_ label: String) -> String {
  label.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
}
