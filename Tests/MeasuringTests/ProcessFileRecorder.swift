import Measuring
import Synchronization

/// Takes down what would have been changed, and refuses what it is told to.
final class FileRecorder: Sendable {
  private let log = Mutex<[String]>([])
  private let refusals: [String: Int32]

  /// - Parameter refusals: The errno for a path, as often as it is tried.
  init(refusing refusals: [String: Int32] = [:]) { self.refusals = refusals }

  var lines: [String] { log.withLock { $0 } }

  var changes: FileChanges {
    FileChanges(
      write: { self.record("write \($0) \($1)", at: $1) },
      makeDirectory: { self.record("make \($0)", at: $0) },
      removeDirectory: { self.record("remove \($0)", at: $0) })
  }

  private func record(_ line: String, at path: String) -> Int32 {
    log.withLock { $0.append(line) }
    return refusals[path] ?? 0
  }
}
