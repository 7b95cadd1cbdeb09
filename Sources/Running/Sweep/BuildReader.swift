import CLinux
import Glibc
package import Records
import Quantities
import Subprocess
package import SystemPackage

/// Says what this program was built of and how.
package enum BuildReader {
  package static let version = "0.1.0"

  /// The commit is that of the checkout which holds the program, found from its own path.
  package static func read(program: FilePath) async -> Build {
    let folder = program.removingLastComponent()
    let commit = await git(["rev-parse", "HEAD"], in: folder)
    let status = await git(["status", "--porcelain", "--untracked-files=no"], in: folder)
    return Build(
      version: version, commit: commit, dirty: status.value.map { !$0.isEmpty },
      toolchain: "Swift \(swiftVersion), \(cCompiler)", flags: flags, allocator: allocator)
  }

  /// The language version that the program was compiled by, as far as it can be asked for.
  private static var swiftVersion: String {
    #if compiler(>=6.5)
      "6.5 or newer"
    #elseif compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }

  /// `Clang 21.0.0`, without the address of its sources.
  private static var cCompiler: String {
    String(cString: hr_compiler()).split(separator: " ").prefix(2).joined(separator: " ")
  }

  private static var flags: String {
    var isDebug = false
    // The body of an assertion is compiled only without optimization.
    assert(
      {
        isDebug = true; return true
      }())
    return isDebug ? "debug" : "release"
  }

  private static let allocator = "tcmalloc (gperftools)"

  private static func git(_ arguments: [String], in folder: FilePath) async -> Reading<String> {
    do {
      let result = try await Tool.run(
        .name("git"), ["-C", folder.string] + arguments, within: Seconds(30))
      guard result.isGood else {
        return .unavailable("the program does not lie in a git checkout")
      }
      return .measured(result.output.filter { $0 != "\n" })
    } catch {
      return .unavailable("git could not be run")
    }
  }
}
