import Foundation
package import Quantities
import Subprocess
import SystemPackage

/// Builds this program as it was at another commit, in a git worktree of its own.
///
/// The worktree stays under `.build`, so that the same commit is built once.
package enum BaseCommit {
  /// - Parameter tell: is called before a build, which takes minutes.
  /// - Returns: where the program lies.
  package static func build(_ revision: String, tell: (String) -> Void) async throws -> String {
    guard let root = try await output("git", ["rev-parse", "--show-toplevel"]) else {
      throw BaseCommitFault.noCheckout
    }
    guard
      let commit = try await output(
        "git", ["rev-parse", "--verify", "--quiet", "--end-of-options", "\(revision)^{commit}"])
    else { throw BaseCommitFault.noCommit(revision) }
    let folder = "\(root)/.build/base-\(commit.prefix(12))"
    let program = "\(folder)/.build/release/headroom"
    if FileManager.default.isExecutableFile(atPath: program),
      try await output("git", ["-C", folder, "status", "--porcelain"])?.isEmpty == true
    {
      return program
    }
    if !FileManager.default.fileExists(atPath: folder) {
      // One whose folder somebody removed is still in git's list.
      _ = try await run("git", ["-C", root, "worktree", "prune"])
      try await must("git", ["-C", root, "worktree", "add", "--detach", folder, commit], revision)
    }
    tell("building \(commit.prefix(12)) in \(folder)")
    try await must(
      "swift", ["build", "-c", "release", "--package-path", folder, "--product", "headroom"],
      revision)
    return program
  }

  private static func must(_ tool: String, _ arguments: [String], _ revision: String) async throws {
    let result = try await run(tool, arguments)
    guard result.isGood else {
      throw BaseCommitFault.failed(revision, "\(tool) \(arguments[0])", result.words)
    }
  }

  /// What it printed, without its last line break; nothing where it failed.
  private static func output(_ tool: String, _ arguments: [String]) async throws -> String? {
    let result = try await run(tool, arguments)
    return result.isGood ? result.output.trimmingCharacters(in: .newlines) : nil
  }

  /// A build from nothing takes minutes; hours are none.
  private static func run(_ tool: String, _ arguments: [String]) async throws -> Tool.Ending {
    try await Tool.run(.name(tool), arguments, within: Seconds(7200))
  }
}

extension Tool.Ending {
  /// The end of what it said.
  fileprivate var words: String { String((output + errors).suffix(600)) }
}

/// Why a commit cannot be built.
package enum BaseCommitFault: FaultConvertible, Hashable {
  case noCheckout
  case noCommit(String)
  case failed(String, String, String)

  package var fault: Fault {
    switch self {
    case .noCheckout:
      Fault(
        "there is no git checkout to build a commit of", at: "--base-commit",
        fix: "run it inside headroom's checkout, or build base and name it with --base")
    case .noCommit(let revision):
      Fault(
        "there is no commit '\(revision)' in this checkout", at: "--base-commit",
        fix: "name a commit, a tag or a branch; a shallow clone needs: git fetch --unshallow")
    case .failed(let revision, let tool, let words):
      Fault(
        "\(tool) failed: \(words)", at: "--base-commit \(revision)",
        fix: "build that commit by hand, and name its program with --base")
    }
  }
}
