import Quantities

/// The values of a case's axes by their names in suites, as forms read them.
struct FormValues {
  private let values: [String: String]
  private let workload: String
  /// On which the case runs: what each of them has must be countable, too.
  let threads: Int

  /// More than any machine has.
  static let mostThreads = 1 << 14
  /// More numbers than any machine holds: a petabyte of them in fp32. 64 bits count the bytes of all tensors then,
  /// though each of them be filled up to whole panels of 64 columns.
  private static let limit = 0x1p48

  init(_ values: [String: String], workload: String, threads: Int) {
    self.values = values
    self.workload = workload
    self.threads = threads
  }

  func text(_ axis: String) throws -> String {
    guard let text = values[axis] else { throw FormFault.missing(axis: axis, workload: workload) }
    return text
  }

  func count(_ axis: String, from least: Int = 1) throws -> Int {
    let text = try text(axis)
    guard let count = Int(text), count >= least, Double(count) < Self.limit else {
      throw FormFault.notACount(axis: axis, value: text, least: least)
    }
    return count
  }

  func word<Word: RawRepresentable<String> & CaseIterable>(_ axis: String) throws -> Word {
    let text = try text(axis)
    guard let word = Word(rawValue: text) else {
      throw FormFault.unknownWord(
        axis: axis, value: text, known: Word.allCases.map(\.rawValue))
    }
    return word
  }

  /// A value that is a word, or a name with a number from 1 up in parentheses, as `window(256)`.
  func call(_ axis: String, words: [String], calls: [String]) throws -> (name: String, count: Int?)
  {
    let text = try text(axis)
    if words.contains(text) { return (text, nil) }
    for name in calls where text.hasPrefix("\(name)(") && text.hasSuffix(")") {
      guard let count = Int(text.dropFirst(name.count + 1).dropLast()), count >= 1,
        Double(count) < Self.limit
      else { throw FormFault.notACount(axis: axis, value: text, least: 1) }
      return (name, count)
    }
    throw FormFault.unknownWord(axis: axis, value: text, known: words + calls.map { "\($0)(256)" })
  }

  /// Throws where a tensor would be larger than any memory, so that no form's sum passes 64 bits.
  ///
  /// - Parameter products: the numbers of all tensors, and of all threads' workspaces, each as its factors.
  func check(_ products: [Int]...) throws {
    for factors in products where factors.reduce(1, { $0 * Double($1) }) >= Self.limit {
      throw FormFault.tooLarge(workload: workload)
    }
  }
}
