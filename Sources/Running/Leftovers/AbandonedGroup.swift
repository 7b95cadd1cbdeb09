import Foundation
import Glibc
import Measuring
import SystemPackage

/// The process group of a user's own command, noted beside its files: it may not see that its parent
/// was killed, and is then ended by the next start.
enum AbandonedGroup {
  private static let suffix = ".group"

  static func note(_ leader: Int32, in folder: FilePath) {
    guard let started = startTime(of: leader) else { return }
    let path = folder.appending("\(leader)\(suffix)").string
    try? started.write(toFile: path, atomically: false, encoding: .utf8)
  }

  static func end(notedIn folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasSuffix(suffix) {
      // The same number may be another process by now.
      guard let leader = Int32(name.dropLast(suffix.count)), leader > 1,
        let noted = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8),
        noted == startTime(of: leader)
      else { continue }
      kill(-leader, SIGKILL)
    }
  }

  /// When a process started, in the kernel's ticks: the 22nd field of its `stat`.
  private static func startTime(of process: Int32) -> String? {
    // The name before it, in brackets, may hold anything.
    guard let text = FileSource.system.text("/proc/\(process)/stat"),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[end...].split(separator: " ")
    return fields.count > 20 ? String(fields[20]) : nil
  }
}
