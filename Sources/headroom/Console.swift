import Foundation
import Glibc

/// Results go to standard output, progress and diagnostics to standard error.
enum Console {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let hasProgress = isatty(STDERR_FILENO) == 1

  static func print(_ line: String) {
    put(Data((line + "\n").utf8), FileHandle.standardOutput)
  }

  static func diagnose(_ text: String) {
    put(Data((text + "\n").utf8), FileHandle.standardError)
  }

  /// No line break: the next progress is written over it.
  static func write(progress text: String) {
    put(Data(text.utf8), FileHandle.standardError)
  }

  /// Writes a result to a file, or to standard output for `-`.
  static func write(_ data: Data, to path: String) throws {
    if path == "-" {
      put(data, FileHandle.standardOutput)
      return
    }
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw ConsoleFault.cannotWrite(path)
    }
  }

  /// Adds to the end of a file, which is made where there is none.
  static func append(_ data: Data, to path: String) throws {
    if !FileManager.default.fileExists(atPath: path) { return try write(data, to: path) }
    do {
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.seekToEnd()
      try file.write(contentsOf: data)
      try file.close()
    } catch {
      throw ConsoleFault.cannotWrite(path)
    }
  }

  /// A reader that has seen enough (`| head`) closes the pipe: that is no error of ours.
  private static func put(_ data: Data, _ handle: FileHandle) {
    try? handle.write(contentsOf: data)
  }
}
