import Foundation
import Glibc
import Measuring
import Quantities
import Records
package import SystemPackage

/// A folder for the files between parent and children; gone with the last reference to it.
///
/// It is locked while its owner lives, however that ends: the next one removes what dead owners left.
package final class ScratchFolder: Sendable {
  package let path: FilePath
  /// The folder itself, open and locked.
  private let lock: File

  package init() throws {
    let root = FileManager.default.temporaryDirectory.path
    Self.removeAbandoned(in: root)
    Self.removeAbandonedGroups()
    for _ in 0..<100 {
      var template = Array("\(root)/\(Self.prefix)XXXXXX".utf8CString)
      guard let made = mkdtemp(&template) else { throw Self.fault(SystemError(errno), root) }
      let path = String(cString: made)
      // Another program may have taken it for abandoned between these two steps.
      guard let lock = try? File(path, O_RDONLY | O_DIRECTORY),
        flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0, FileStatus(path)?.isFolder == true
      else { continue }
      self.path = FilePath(path)
      self.lock = lock
      Leftovers.enter(folder: path)
      try checkRoom(root)
      return
    }
    throw Self.fault(SystemError(EBUSY), root)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path.string)
    Leftovers.leave(folder: path.string)
  }

  private static let prefix = "headroom-run-"

  private static func fault(_ error: SystemError, _ root: String) -> Fault {
    Fault(
      error.code == ENOSPC || error.code == EDQUOT
        ? "there is no room in TMPDIR for the children's files"
        : "no folder can be made for the children's files: \(error.words)",
      at: root, fix: "make room there, or set TMPDIR to a folder that can be written")
  }

  /// Children's accounts are mapped: a page without room behind it would end its writer by a signal.
  private func checkRoom(_ root: String) throws {
    let probe = path.appending("room").string
    do throws(SystemError) {
      try File(probe, O_WRONLY | O_CREAT).write(Data(count: 1 << 13))
    } catch {
      throw Self.fault(error, root)
    }
    unlink(probe)
  }

  /// Folders of ours whose lock nobody holds.
  private static func removeAbandoned(in root: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    for name in names where name.hasPrefix(prefix) {
      let path = "\(root)/\(name)"
      var found = stat()
      guard lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR,
        found.st_uid == geteuid(), let lock = try? File(path, O_RDONLY | O_DIRECTORY),
        flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0
      else { continue }
      AbandonedGroup.end(notedIn: path)
      try? FileManager.default.removeItem(atPath: path)
      withExtendedLifetime(lock) {}
    }
  }

  /// Control groups that bear the number of a process that is gone.
  private static func removeAbandonedGroups() {
    guard case .success(let location) = ControlGroupLocation.find() else { return }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: location.directory)) ?? []
    for name in names where name.hasPrefix("headroom-") {
      let parts = name.split(separator: "-")
      guard parts.count > 2, let owner = Int32(parts[1]), kill(owner, 0) != 0, errno == ESRCH else {
        continue
      }
      rmdir("\(location.directory)/\(name)")
    }
  }
}
