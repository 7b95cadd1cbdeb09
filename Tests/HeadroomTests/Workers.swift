import Foundation
import Kernels
import Quantities

/// The worker processes under a program that a test started, found as `ps` finds them.
enum Workers {
  /// One that hangs in the call of its check: its ledger, which is shared, says how far it is, and
  /// it sleeps there at fifty looks in a row, while others go through their checks at once.
  static func hanging(under program: Program) async throws -> pid_t {
    var looks: [pid_t: Int] = [:]
    for _ in 0..<20_000 {
      for worker in all(startedIn: program.folder) {
        looks[worker] = sleepsInItsCheck(worker) ? looks[worker, default: 0] + 1 : 0
        if looks[worker] == 50 { return worker }
      }
      try await Task.sleep(for: .milliseconds(1))
    }
    throw Fault("no worker hangs under \(program.folder)")
  }

  /// One of them, once something is so.
  static func some(under program: Program, once isSo: () -> Bool) async throws -> pid_t {
    for _ in 0..<100_000 {
      if isSo(), let worker = all(startedIn: program.folder).first { return worker }
      try await Task.sleep(for: .milliseconds(1))
    }
    throw Fault("no worker under \(program.folder)")
  }

  /// Kills one that has a ledger, once its timeline has so many points, or it is in its timed calls.
  static func killOne(under program: Program, afterPoints points: Int) async throws {
    for _ in 0..<100_000 {
      for worker in all(startedIn: program.folder) {
        guard let path = ledger(of: worker), let account = try? LedgerSnapshot(path: path),
          account.timeline.count >= max(1, points) || account.phase == .run
        else { continue }
        guard kill(worker, SIGKILL) == 0 else { continue }
        while ledger(of: worker) != nil { await Task.yield() }
        return
      }
      await Task.yield()
    }
    throw Fault("no worker with a ledger under \(program.folder)")
  }

  private static func sleepsInItsCheck(_ worker: pid_t) -> Bool {
    guard let path = ledger(of: worker), let account = try? LedgerSnapshot(path: path) else {
      return false
    }
    return account.phase == .preparation && text(worker, "status").contains("State:\tS")
  }

  static func parent(of process: pid_t) -> pid_t? {
    text(process, "status").split(separator: "\n").first { $0.hasPrefix("PPid:") }
      .flatMap { pid_t($0.dropFirst("PPid:".count).filter(\.isNumber)) }
  }

  /// Returns when the program has no worker left.
  static func gone(from program: Program) async throws {
    for _ in 0..<20_000 {
      if all(startedIn: program.folder).isEmpty { return }
      try await Task.sleep(for: .milliseconds(1))
    }
    throw Fault("a worker stays under \(program.folder)")
  }

  /// Processes with the argument `worker` whose working folder is the test's.
  static func all(startedIn folder: String) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { process in
      let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
      return place == folder && text(process, "cmdline").contains("\0worker\0")
    }
  }

  /// Programs called `sleep` whose working folder is the test's.
  static func sleeping(in folder: String) throws -> [pid_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter {
      process in
      let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
      return place == folder && text(process, "cmdline").hasPrefix("sleep\0")
    }
  }

  /// The ledger's file, as it stands at the end of a line of the mappings.
  private static func ledger(of process: pid_t) -> String? {
    let line = text(process, "maps").split(separator: "\n").first { $0.hasSuffix(".ledger") }
    guard let line, let start = line.firstIndex(of: "/") else { return nil }
    return String(line[start...])
  }

  private static func text(_ process: pid_t, _ file: String) -> String {
    // Files of /proc have no size to go by.
    let handle = FileHandle(forReadingAtPath: "/proc/\(process)/\(file)")
    return (try? handle?.readToEnd()).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
