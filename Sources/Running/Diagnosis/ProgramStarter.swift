import Foundation
import Glibc
import Measuring
import Quantities
import Records

/// What the starter of a program is told, in a file.
struct StartOrder: Codable, Sendable {
  /// The program's file.
  var path: String
  /// What it is called with, its name first.
  var arguments: [String]
  /// What it has in its environment beyond this program's.
  var environment: [String: String]
  var group: MemoryControlGroup?
  /// Put over it by `RLIMIT_DATA`; with a group only where that cannot be entered.
  var limit: Bytes?
  /// Whether the terminal is to be its.
  var hasTerminal: Bool
  /// Where the starter says what it could not do.
  var report: String
}

/// What the starter has to say before the program takes its place.
struct StartReport: Codable, Sendable {
  /// Its own resident peak, which the kernel adds to the program's.
  var residentPeak: Reading<Bytes>
  /// Why the program does not run in its control group.
  var groupFailure: String?
  /// Why it could not be started.
  var errno: Int32?
}

/// Becomes another program, under limits: this program's own hidden subcommand.
///
/// Limits are set here and not by the parent: a group that is entered later has not what was
/// allocated before, and nobody can set another process's data limit before it runs.
package enum ProgramStarter {
  package static let word = "start-program"

  /// - Parameter path: the order's file.
  /// - Returns: never, unless the program cannot be started.
  package static func run(_ path: String) throws -> Int32 {
    let order = try JSONText.decode(
      StartOrder.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    var report = StartReport(residentPeak: ProcessMemory.read().residentPeak)
    if let group = order.group {
      do { try group.enter() } catch { report.groupFailure = error.what }
    }
    try write(report, order)
    if order.hasTerminal { takeTerminal() }
    for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_DFL) }
    for (name, value) in order.environment { setenv(name, value, 1) }
    let arguments = order.arguments.map { strdup($0) } + [nil]
    if let limit = order.limit, order.group == nil || report.groupFailure != nil {
      // From here on this process itself can allocate nothing.
      try DataLimit.set(limit)
    }
    execv(order.path, arguments)
    report.errno = errno
    try? DataLimit.lift()
    try write(report, order)
    return 127
  }

  private static func write(_ report: StartReport, _ order: StartOrder) throws {
    try JSONText.encode(report).write(to: URL(fileURLWithPath: order.report))
  }

  /// A process group in the background is stopped when it reads from the terminal.
  private static func takeTerminal() {
    signal(SIGTTOU, SIG_IGN)
    tcsetpgrp(STDIN_FILENO, getpid())
    signal(SIGTTOU, SIG_DFL)
  }
}
