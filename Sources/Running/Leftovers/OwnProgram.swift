import Foundation
import Quantities
import SystemPackage

/// Where this program lies: its children are the same program.
enum OwnProgram {
  static func path() throws -> FilePath {
    do {
      return FilePath(
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    } catch {
      throw Fault(
        "this program's own file cannot be found", at: "/proc/self/exe",
        fix: "mount /proc: children are started, bound and measured through it")
    }
  }
}
