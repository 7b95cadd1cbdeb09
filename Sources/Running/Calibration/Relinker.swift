import Foundation
package import Quantities
import Statistics
import Subprocess
package import SystemPackage

/// Links this program anew from the objects that it was built of, in another order: same code,
/// other addresses.
///
/// The order of the objects is that of their sections: each function and each table moves.
package struct Relinker: Sendable {
  private let arguments: [String]
  private let objects: [String]

  /// - Parameter program: as `swift build` left it: its manifest lies two folders above.
  package init(program: FilePath) throws {
    let folder = program.removingLastComponent().removingLastComponent().removingLastComponent()
    let manifest = folder.appending("release.yaml")
    guard let text = try? String(contentsOfFile: manifest.string, encoding: .utf8) else {
      throw RelinkFault.noManifest(manifest.string)
    }
    let lines = text.split(separator: "\n")
    guard let place = lines.firstIndex(where: { $0.hasSuffix("outputs: [\"\(program)\"]") }),
      let line = lines[place...].first(where: { $0.contains("    args: [") }),
      let start = line.firstIndex(of: "["),
      let arguments = try? JSONDecoder().decode([String].self, from: Data(line[start...].utf8)),
      let list = arguments.first(where: { $0.hasPrefix("@") }),
      let objects = try? String(contentsOfFile: String(list.dropFirst()), encoding: .utf8)
    else { throw RelinkFault.noCommand(manifest.string) }
    self.arguments = arguments
    self.objects = objects.split(separator: "\n").map(String.init)
  }

  /// - Returns: where the program lies.
  package func link(seed: UInt64, into folder: FilePath) async throws -> FilePath {
    var random = SplitMix64(seed: seed)
    let list = folder.appending("objects-\(seed)")
    try random.shuffled(objects).joined(separator: "\n")
      .write(toFile: list.string, atomically: true, encoding: .utf8)
    let output = folder.appending("relinked-\(seed)")
    var command = arguments.map { $0.hasPrefix("@") ? "@\(list)" : $0 }
    if let place = command.firstIndex(of: "-o"), place + 1 < command.count {
      command[place + 1] = output.string
    }
    let result = try await Tool.run(
      .path(FilePath(command[0])), Array(command.dropFirst()), within: Seconds(600))
    guard result.isGood else { throw RelinkFault.failed(String(result.errors.suffix(500))) }
    return output
  }
}

/// This program, linked in another order; there as long as somebody holds it.
package struct RelinkedProgram: Sendable {
  package let path: String
  private let folder: ScratchFolder

  package init(seed: UInt64) async throws {
    folder = try ScratchFolder()
    path = try await Relinker(program: try OwnProgram.path()).link(seed: seed, into: folder.path)
      .string
  }
}

/// Why there is no program linked anew.
package enum RelinkFault: FaultConvertible, Hashable {
  case noManifest(String)
  case noCommand(String)
  case failed(String)

  package var fault: Fault {
    let fix =
      "run headroom from where 'swift build -c release' left it, or calibrate without --builds"
    return switch self {
    case .noManifest(let path):
      Fault("what this program was linked from is not there", at: path, fix: fix)
    case .noCommand(let path):
      Fault("the build's manifest does not say how this program was linked", at: path, fix: fix)
    case .failed(let why):
      Fault("linking failed: \(why)", fix: "build once more: swift build -c release")
    }
  }
}
