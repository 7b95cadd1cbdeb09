import Glibc
import Quantities

/// Ends a child, with all that it started, once its time is over.
struct Watchdog: Sendable {
  private let task: Task<Bool, Never>

  /// - Parameter process: the leader of the child's own process group.
  init(over process: Int32, after limit: Seconds) {
    task = Task {
      guard (try? await Task.sleep(for: .seconds(limit.value))) != nil else { return false }
      kill(-process, SIGKILL)
      return true
    }
  }

  /// Nobody waits for the child any more; answers whether it was ended before.
  @discardableResult
  func end() async -> Bool {
    task.cancel()
    return await task.value
  }
}
