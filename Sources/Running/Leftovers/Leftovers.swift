import Glibc
import Foundation
import Measuring
import Synchronization

/// What must not outlive this program: children with all that they started, folders, control groups.
///
/// Each is entered while it exists, so that an ending that cannot wait for its tasks still takes all
/// of it along.
package enum Leftovers {
  private struct Held {
    /// Leaders of process groups.
    var children: Set<Int32> = []
    var folders: Set<String> = []
    var groups: Set<String> = []
    /// What each child that runs a user's own command may leave behind if this program is killed.
    var isEnding = false
  }

  private static let held = Mutex(Held())

  static func enter(child: Int32) {
    let isEnding = held.withLock { held in
      held.children.insert(child)
      return held.isEnding
    }
    if isEnding { kill(-child, SIGKILL) }
  }

  /// The child is gone: what it started goes with it.
  static func leave(child: Int32) {
    kill(-child, SIGKILL)
    held.withLock { _ = $0.children.remove(child) }
  }

  static func enter(folder: String) { held.withLock { _ = $0.folders.insert(folder) } }
  static func leave(folder: String) { held.withLock { _ = $0.folders.remove(folder) } }
  static func enter(group: String) { held.withLock { _ = $0.groups.insert(group) } }
  static func leave(group: String) { held.withLock { _ = $0.groups.remove(group) } }

  /// Ends all children and removes all else, at once.
  package static func end() {
    let all = held.withLock { held in
      held.isEnding = true
      return held
    }
    for child in all.children { kill(-child, SIGKILL) }
    for folder in all.folders { try? FileManager.default.removeItem(atPath: folder) }
    // A control group goes once its last process is gone, which takes the system a moment.
    for group in all.groups {
      for _ in 0..<50 where rmdir(group) != 0 && errno == EBUSY { usleep(2000) }
    }
  }
}
