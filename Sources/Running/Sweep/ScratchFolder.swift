import Foundation
import Glibc
import Quantities
package import SystemPackage

/// A folder for the files between parent and children; gone with the last reference to it.
package final class ScratchFolder: Sendable {
  package let path: FilePath

  package init() throws {
    var template = Array(
      FileManager.default.temporaryDirectory.appendingPathComponent("headroom-XXXXXX").path
        .utf8CString)
    guard let made = mkdtemp(&template) else {
      throw Fault(
        "no folder can be made for the children's files (errno \(errno))",
        at: FileManager.default.temporaryDirectory.path,
        fix: "set TMPDIR to a folder that can be written")
    }
    path = FilePath(String(cString: made))
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }
}

/// Where this program lies: its children are the same program.
enum OwnProgram {
  static func path() throws -> FilePath {
    do {
      return FilePath(
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    } catch {
      throw Fault("this program's own file cannot be found", at: "/proc/self/exe")
    }
  }
}
