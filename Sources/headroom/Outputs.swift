import ArgumentParser
import Foundation
import Quantities
import Records
import Reporting

/// What a command writes its result to, each looked at before any work is done.
struct Outputs {
  private let paths: [String: String]
  private let mayReplace: Bool

  /// - Parameters:
  ///   - asked: options and what was given for them; their twins in the environment count.
  ///   - inputs: what the command reads.
  ///   - others: files that it writes besides.
  init(
    _ asked: KeyValuePairs<String, String?>, inputs: [String] = [], others: [String] = [],
    replace: Bool
  ) throws {
    var paths: [String: String] = [:]
    var seen = others
    for (option, given) in asked {
      guard let path = Environment.value(given, for: option) else { continue }
      if seen.contains(where: { Self.isSame($0, path) }) { throw OutputFault.twice(path) }
      seen.append(path)
      paths[option] = path
      if path != "-" { try OutputFile(path, mayReplace: replace).check(inputs: inputs + others) }
    }
    self.paths = paths
    mayReplace = replace
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    if one == other { return true }
    if one == "-" || other == "-" { return false }
    let (first, second) = (OutputFile(one, mayReplace: true), OutputFile(other, mayReplace: true))
    if first.canonical == second.canonical { return true }
    guard let status = FileStatus(one) else { return false }
    return status.isRegular && status == FileStatus(other)
  }

  subscript(option: String) -> String? { paths[option] }

  /// Whether one of them took standard output, where else a table would stand.
  var takeStandardOutput: Bool { paths.values.contains("-") }

  /// Makes the content, and writes it, where the option was given.
  func write(_ option: String, _ data: () throws -> Data) throws {
    guard let path = paths[option] else { return }
    if path == "-" { return Console.put(Self.harmless(try data(), option)) }
    try OutputFile(path, mayReplace: mayReplace).write(try data())
  }

  /// On its way to a log: what GitHub's runner would take for a command anywhere in a line is written
  /// by its number, where the form has such.
  private static func harmless(_ data: Data, _ option: String) -> Data {
    let numbers = ["json": "##\\u005b", "junit": "##&#91;"]
    guard let number = numbers[option], data.range(of: Data("##[".utf8)) != nil else { return data }
    return Data(String(decoding: data, as: UTF8.self).replacing("##[", with: number).utf8)
  }

  func write(_ option: String, text: () throws -> String) throws {
    try write(option) { Data(try text().utf8) }
  }

  /// A result in every form that was asked for; at the terminal unless one of them took standard output.
  func deliver(_ document: Document) throws {
    try write("json") { try document.json() }
    try write("markdown", text: { try MarkdownFormat.text(document) })
    if !takeStandardOutput { Self.show(document) }
  }

  static func show(_ document: Document) {
    Console.print(TerminalFormat.lines(document, isTerminal: Console.isTerminal))
  }
}

/// Shared by the commands whose only files are those that options name.
struct ReplaceOption: ParsableArguments {
  @Flag(name: .customLong("replace"), help: "Overwrite files that exist.")
  var isGiven = false
}
