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
  fileprivate init?(_ label: String, _ value: Any, _ defaults: [String: String]) {
    if value is Int {
      domain = .number(orWords: [])
    } else if let number = value as? any AxisNumber {
      domain = .number(from: type(of: number).least, orWords: [])
    } else if let word = value as? any AxisWord {
      domain = .words(allWords(word))
    } else if let holder = type(of: value) as? any AxisTextHolder.Type {
      domain = .texts(
        words: holder.words, calls: holder.calls, sizes: holder.sizes,
        takesShares: holder.takesShares)
    } else {
      return nil
    }
    self.label = label
    name = kebabCase(label)
    defaultValue = defaults[name].map { AxisValue($0) }
    isOptional = false
  }

  /// An axis that the harness gives to every workload.
  ///
  /// - Parameter variants: the workload's, which `variant` may name besides `best` and `all`.
  package init(_ axis: HarnessAxis, variants: [String]) {
    name = axis.rawValue
    label = axis.rawValue
    defaultValue = axis.defaultValue
    isOptional = axis.defaultValue == nil
    domain =
      switch axis {
      case .variant: .words(["best", "all"] + variants)
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
  /// Words, or one of the names with a number from 1 up, `window(256)`, or with an amount of memory,
  /// `budget(200MiB)`, or a number from 0 to less than 1.
  case texts(words: [String], calls: [String], sizes: [String] = [], takesShares: Bool = false)
  case bytes
}

extension Workload {
  /// The axes of its problems, in the order in which the problem declares them.
  package static var axes: [Axis] {
    Self.properties(of: smallest).map { child in
      guard let label = child.label, let axis = Axis(label, child.value, defaults) else {
        preconditionFailure(
          "\(name) has a stored property that is neither an Int nor an AxisWord: \(child)")
      }
      precondition(
        HarnessAxis(rawValue: axis.name) == nil, "\(name) takes the harness's axis \(axis.name)")
      return axis
    }
  }

  /// The values of a problem's axes, by the names of their properties.
  package static func values(of problem: Problem) -> [String: AxisValue] {
    properties(of: problem).reduce(into: [:]) { values, child in
      guard let label = child.label else { return }
      values[label] =
        switch child.value {
        case let number as Int: .number(number)
        case let number as any AxisNumber: .number(number.count)
        case let word as any AxisWord: .word(word.rawValue)
        case let text as any AxisTextHolder: .word(text.axisText)
        default: nil
        }
    }
  }

  /// A problem's stored properties, with those of its groups in their places.
  private static func properties(of value: Any) -> [Mirror.Child] {
    Mirror(reflecting: value).children.flatMap { child in
      child.value is any AxisGroup ? properties(of: child.value) : [child]
    }
  }
}

private func allWords<Word: AxisWord>(_ word: Word) -> [String] { Word.allCases.map(\.rawValue) }

/// `kvHeads` as `kv-heads`.
func kebabCase(_ label: String) -> String {
  label.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
}
