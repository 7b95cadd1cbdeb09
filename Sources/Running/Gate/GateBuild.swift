import Foundation
import OrderedCollections
import Planning
package import Quantities
package import Records
import Subprocess
package import SystemPackage

/// One of the two builds before the gate: a program, and what it says it can do.
package struct GateBuild: Sendable {
  package let program: FilePath
  package let build: Build
  private let axes: [String: Set<String>]
  private let variants: [String: Set<String>]

  /// Asks the program what workloads it has.
  package static func open(
    _ path: String, side: String, on host: any Host,
    timeout: Seconds = ChildProcess.helloPatience
  ) async throws -> GateBuild {
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw GateFault.noProgram(path, side: side)
    }
    let program = FilePath(
      URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    let listing: Listing
    do {
      let result = try await Tool.run(
        .path(program), ["list", "workloads", "--json", "-"], within: Seconds(60))
      guard result.isGood else { throw GateFault.notHeadroom(path, side: side) }
      listing = try JSONText.decode(Listing.self, from: Data(result.output.utf8))
    } catch let error as CancellationError {
      throw error
    } catch {
      throw GateFault.notHeadroom(path, side: side)
    }
    try await checkProtocol(of: program, side: side, on: host, timeout)
    return GateBuild(
      program: program, build: await BuildReader.read(program: program),
      axes: Dictionary(
        listing.workloads.map { ($0.name, Set($0.axes)) }, uniquingKeysWith: { $1 }),
      variants: Dictionary(
        listing.workloads.map { ($0.name, Set($0.variants)) }, uniquingKeysWith: { $1 }))
  }

  /// A worker says which one it speaks before it is asked for anything.
  private static func checkProtocol(
    of program: FilePath, side: String, on host: any Host, _ timeout: Seconds
  ) async throws {
    do {
      let child = try await host.start(
        WorkerCommand(program: program), name: "hello-\(side)", patience: timeout)
      _ = await child.end()
    } catch ChildFault.otherProtocol(let version) {
      throw GateFault.otherProtocol(program.string, side: side, version)
    } catch is ChildFault {
      throw GateFault.notHeadroom(program.string, side: side)
    }
  }

  private struct Listing: Decodable {
    let workloads: [Entry]

    struct Entry: Decodable {
      let name: String
      let axes: [String]
      let variants: [String]
    }
  }

  /// What a case asks for that this build has not, if anything.
  func lacks(_ asked: Case) -> String? {
    guard let axes = axes[asked.workload] else { return "the workload \(asked.workload)" }
    if let axis = asked.axes.keys.first(where: { !axes.contains($0) }) { return "the axis \(axis)" }
    let variant = asked.axes[HarnessAxis.variant.rawValue]?.text ?? VariantDescription.best
    if variant != VariantDescription.best, !(variants[asked.workload] ?? []).contains(variant) {
      return "the variant \(variant)"
    }
    return nil
  }

  /// The same program elsewhere, byte for byte: what base is compared with in the null case.
  func copied(to folder: FilePath) throws -> GateBuild {
    let copy = folder.appending("base-copy")
    do {
      try FileManager.default.copyItem(atPath: program.string, toPath: copy.string)
    } catch {
      throw Fault(
        "base cannot be copied for its comparison with itself", at: copy.string,
        fix: "make room in TMPDIR, or set it to a folder that can be written")
    }
    return GateBuild(program: copy, build: build, axes: axes, variants: variants)
  }

  /// - Parameters:
  ///   - axes: of each workload that it has.
  ///   - variants: likewise.
  package init(
    program: FilePath, build: Build, axes: [String: Set<String>], variants: [String: Set<String>]
  ) {
    self.program = program
    self.build = build
    self.axes = axes
    self.variants = variants
  }
}

/// Why two builds cannot be compared.
package enum GateFault: FaultConvertible, Hashable {
  case noProgram(String, side: String)
  case notHeadroom(String, side: String)
  case otherProtocol(String, side: String, Int)
  case noRoom(String)

  package var fault: Fault {
    switch self {
    case .noProgram(let path, let side):
      Fault(
        "there is no program to run", at: "--\(side) \(path)",
        fix: "build one with 'swift build -c release', and name .build/release/headroom")
    case .notHeadroom(let path, let side):
      Fault(
        "the program does not answer as headroom does", at: "--\(side) \(path)",
        fix: "try '\(path) list workloads --json -' by hand")
    case .otherProtocol(let path, let side, let version):
      Fault(
        "its worker speaks protocol \(version), and this program "
          + "\(Schema.wireProtocols.lowerBound) and \(Schema.wireProtocols.upperBound)",
        at: "--\(side) \(path)",
        fix: "compare builds that speak the same one, each with the gate of its own time")
    case .noRoom(let name):
      Fault(
        "what must be detected is no more than what is tolerated", at: name,
        fix: "give the entry's gate: a larger detect: noise needs room between the two")
    }
  }
}
