import Foundation
import Kernels
import Quantities
import Records
import Subprocess
import SystemPackage

/// The built program, run as a user runs it, in a folder of its own.
struct Program {
  let folder: String

  struct Result {
    let status: TerminationStatus
    let output: String
    let errors: String

    var code: Int32? {
      if case .exited(let code) = status { code } else { nil }
    }
  }

  init() throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("headroom-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// Beside the test bundle, which the test runner is told of on its command line.
  static let path: String = {
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") }
    let built = bundle.map { URL(fileURLWithPath: $0) }.map { url -> URL in
      var url = url
      while url.path.contains(".xctest") { url.deleteLastPathComponent() }
      return url.appendingPathComponent("headroom")
    }
    return built?.path ?? root + "/.build/release/headroom"
  }()

  /// The package's own folder.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Result {
    try await run(Self.path, arguments, environment)
  }

  /// Runs it where no file may grow beyond a number of blocks of 512 bytes, and a write that
  /// would is an error instead of a signal.
  func runLimited(fileBlocks: Int, _ arguments: [String]) async throws -> Result {
    let limits = "trap '' XFSZ; ulimit -f \(fileBlocks); exec \"$@\""
    return try await run("/bin/sh", ["-c", limits, "sh", Self.path] + arguments, [:])
  }

  /// The program and its arguments are `"$@"`, the program alone `"$1"`.
  func runInShell(_ script: String, _ arguments: [String]) async throws -> Result {
    try await run("/bin/bash", ["-c", script, "bash", Self.path] + arguments, [:])
  }

  private func run(
    _ executable: String, _ arguments: [String], _ environment: [String: String]
  ) async throws -> Result {
    // What a killed program leaves in its temporary folder goes with the test's; and no test knows
    // of this machine's calibration.
    var changes: [Environment.Key: String?] = ["TMPDIR": folder, "XDG_CACHE_HOME": folder]
    for (name, value) in environment { changes[Environment.Key(stringLiteral: name)] = value }
    let result = try await Subprocess.run(
      .path(FilePath(executable)), arguments: Arguments(arguments),
      environment: .inherit.updating(changes), workingDirectory: FilePath(folder),
      output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
    return Result(
      status: result.terminationStatus, output: result.standardOutput,
      errors: result.standardError)
  }

  /// What `swift package` says in the package's folder.
  static func package(_ arguments: [String]) async throws -> String {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("headroom-scratch-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let result = try await Subprocess.run(
      .name("swift"),  // A scratch folder of its own: the running tests hold the usual one locked.
      arguments: Arguments(
        ["package", "--package-path", root, "--scratch-path", scratch] + arguments),
      // The package manager leaves a lock file in the temporary folder.
      environment: .inherit.updating(["TMPDIR": scratch]),
      output: .string(limit: 1 << 24), error: .discarded)
    return result.standardOutput
  }

  /// Writes a file of the folder, and answers its name.
  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8)
    return name
  }

  func read(_ name: String) throws -> String {
    try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
  }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/" + name)
  }

  func records(_ name: String) throws -> [Record] { try RunFile.read(folder + "/" + name).records }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// One processor: the ceilings of several threads take seconds to measure. Two suites that run
  /// side by side take one each, where there are two.
  static let first = ["--cpus", "\(ThreadPool.allowedCPUs.first ?? 0)"]
  static let last = ["--cpus", "\(ThreadPool.allowedCPUs.last ?? 0)"]

  /// Calls of 20 µs, a tenth of a second of them: the quickest case there is.
  static let quick = ["--budget", "100ms", "-a", "nanoseconds=20000"] + first
}
