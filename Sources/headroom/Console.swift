import Foundation
import Glibc

/// Results go to standard output, progress and diagnostics to standard error.
enum Console {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let hasProgress = isatty(STDERR_FILENO) == 1

  static func print(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  static func diagnose(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// No line break: the next progress is written over it.
  static func write(progress text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }

  /// Writes a result to a file, or to standard output for `-`.
  static func write(_ data: Data, to path: String) throws {
    if path == "-" {
      FileHandle.standardOutput.write(data)
      return
    }
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw ConsoleFault.cannotWrite(path)
    }
  }
}
