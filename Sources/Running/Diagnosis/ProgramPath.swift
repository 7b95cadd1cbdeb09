import Foundation
import Glibc
import Measuring
import Quantities
import Records

/// Where a program lies that was named as a shell would be told.
enum ProgramPath {
  static func find(_ name: String, path: String?) throws(DiagnosisFault) -> String {
    if name.contains("/") {
      try check(name)
      return name
    }
    // What the C library searches where PATH is not set.
    let folders = (path ?? "/bin:/usr/bin").split(
      separator: ":", omittingEmptySubsequences: false
    ).map { $0.isEmpty ? "." : String($0) }
    let found = folders.map { "\($0)/\(name)" }.filter { FileStatus($0)?.isRegular == true }
    if let runnable = found.first(where: { access($0, X_OK) == 0 }) { return runnable }
    if let refused = found.first { throw .notExecutable(refused) }
    throw .notFound(name, nearest: nearestProgram(to: name, in: folders))
  }

  private static func check(_ path: String) throws(DiagnosisFault) {
    guard let status = FileStatus(path) else {
      throw .noSuchFile(path, nearest: nearestFile(to: path))
    }
    if status.isFolder { throw .isFolder(path) }
    if access(path, X_OK) != 0 { throw .notExecutable(path) }
  }

  private static func nearestProgram(to name: String, in folders: [String]) -> String? {
    let names = folders.flatMap { FileSource.system.names($0) }
    // Names of another length by more than two were not meant: comparing thousands takes a while.
    return nearestName(to: name, among: names.filter { abs($0.count - name.count) <= 2 })
  }

  private static func nearestFile(to path: String) -> String? {
    let url = URL(fileURLWithPath: path)
    let names = FileSource.system.names(url.deletingLastPathComponent().path)
    guard let nearest = nearestName(to: url.lastPathComponent, among: names) else { return nil }
    return String(path.dropLast(url.lastPathComponent.count)) + nearest
  }
}
