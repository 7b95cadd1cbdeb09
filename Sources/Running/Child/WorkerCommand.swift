import Planning
import Quantities
import Subprocess
import SystemPackage

/// What is started to be a worker: this program itself, or a command of the user's own that speaks
/// the same protocol.
package struct WorkerCommand: Sendable {
  let executable: Executable
  let arguments: [String]
  /// As a person would type it.
  package let text: String
  /// Whether it is this program, whose workers leave when their parent is gone.
  package let isOwn: Bool

  init(program: FilePath) {
    isOwn = true
    executable = .path(program)
    arguments = ["worker"]
    text = program.string
  }

  /// - Parameter command: as after `exec:` in a variant's name.
  init(_ command: String) throws {
    let words = Self.words(command)
    guard let first = words.first else {
      throw Fault("the variant '\(VariantDescription.command)' names no command")
    }
    isOwn = false
    executable = first.contains("/") ? .path(FilePath(first)) : .name(first)
    arguments = Array(words.dropFirst())
    text = command
  }

  /// Words as a shell splits them, quotes and backslashes taken, and nothing else done.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character == " " {
        if let whole = word { words.append(whole) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let whole = word { words.append(whole) }
    return words
  }
}
