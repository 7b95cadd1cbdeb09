import Foundation
import Glibc
import Quantities
import Records
import Synchronization

/// Results go to standard output, progress and diagnostics to standard error.
enum Console {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let hasProgress = isatty(STDERR_FILENO) == 1

  /// The first write to standard output that failed. A sweep goes on after it, and the program says so
  /// at its end: a result that somebody asked for is not there.
  private static let failure = Mutex<SystemError?>(nil)

  /// Why standard output lacks something; a reader that has seen enough (`| head`) is no reason.
  static var lostOutput: String? {
    failure.withLock { $0 }.flatMap { $0.code == EPIPE ? nil : $0.words }
  }

  static func print(_ line: String) { print([line]) }

  /// All in one write: a table may have a hundred thousand lines.
  static func print(_ lines: [String]) {
    guard !lines.isEmpty else { return }
    let text = lines.map { harmless($0, keepsColour: isTerminal) }.joined(separator: "\n")
    put(Data((text + "\n").utf8))
  }

  /// A command of this program's own for the server that shows the log.
  static func command(_ line: String) { put(Data((line + "\n").utf8)) }

  static func diagnose(_ text: String) {
    write(progress: harmless(text, keepsColour: false) + "\n")
  }

  /// No line break: the next progress is written over it.
  static func write(progress text: String) {
    try? File.write(Data(text.utf8), to: STDERR_FILENO)
  }

  static func put(_ data: Data) {
    do throws(SystemError) {
      try File.write(data, to: STDOUT_FILENO)
    } catch {
      failure.withLock { $0 = $0 ?? error }
    }
  }

  /// Lines of others' words that steer nothing: no terminal but by the table's own colours, and no
  /// server that shows the log, whose commands begin a line because a case is called so.
  ///
  /// - Source: GitHub's runner, `ActionCommand`: `::name::` at a line's start, `##[name]` anywhere.
  private static func harmless(_ text: String, keepsColour: Bool) -> String {
    if text.utf8.allSatisfy(isPlain) { return text }
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.map { scalars in
      var line = String(scalars)
      let plain = keepsColour ? line.replacing(colour, with: "") : line
      if plain.unicodeScalars.contains(where: \.isSteering) { line = plain.printable() }
      if line.contains("##[") { line = line.replacing("##[", with: "##\\[") }
      if let start = line.firstIndex(where: { !$0.isWhitespace }), line[start...].hasPrefix("::") {
        line.insert("\\", at: start)
      }
      return line
    }.joined(separator: "\n")
  }

  /// A letter, a figure, a blank or a mark of ASCII that no command has: most lines hold nothing else.
  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "#") && byte != UInt8(ascii: ":")
  }

  private static var colour: Regex<Substring> { /\u{1B}\[[0-9;]*m/ }
}
