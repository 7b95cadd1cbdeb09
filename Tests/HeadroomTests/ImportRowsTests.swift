import Foundation
import Testing

/// The rows of docs/architecture.md: a target imports what stands below it, and what it declares.
@Suite struct ImportRowsTests {
  private static let rows: [String: Int] = [
    "CMicrokernels": 0, "CLinux": 0, "CGperftools": 0, "CLibdw": 0, "Quantities": 1,
    "Statistics": 1,
    "Kernels": 2, "ModelFiles": 2, "Records": 2, "Models": 3, "Measuring": 3, "Training": 4,
    "MemoryPlanning": 4,
    "Workloads": 5,
    "Planning": 6, "Comparing": 6, "Running": 7, "Reporting": 7, "headroom": 8,
  ]
  private static let platform: Set<String> = [
    "Foundation", "FoundationXML", "Glibc", "Synchronization", "Dispatch",
  ]

  private struct Manifest: Decodable {
    struct Target: Decodable {
      let name: String
      let type: String
      let dependencies: [Dependency]
    }
    /// `{"byName": ["Quantities", null]}` or `{"product": ["Yams", "Yams", null, null]}`.
    struct Dependency: Decodable {
      let name: String
      init(from decoder: any Decoder) throws {
        let kinds = try decoder.singleValueContainer().decode([String: [Part]].self)
        guard case .text(let name) = kinds.values.first?.first else {
          throw CocoaError(.coderInvalidValue)
        }
        self.name = name
      }
    }
    enum Part: Decodable {
      case text(String)
      case other
      init(from decoder: any Decoder) throws {
        let text = try? decoder.singleValueContainer().decode(String.self)
        self = text.map { .text($0) } ?? .other
      }
    }
    let targets: [Target]
  }

  /// What is wrong with a file's imports, as sentences.
  private static func faults(in text: String, of target: String, declared: Set<String>)
    -> [String]
  {
    text.split(separator: "\n").compactMap { line -> String? in
      let words = line.split(separator: " ").drop { ["package", "@_exported"].contains($0) }
      guard words.first == "import", let module = words.dropFirst().first.map(String.init) else {
        return nil
      }
      if let row = rows[module], let own = rows[target], row >= own {
        return "\(target) imports \(module), which does not stand below it"
      }
      return declared.contains(module) || platform.contains(module)
        ? nil : "\(target) imports \(module), which it does not declare"
    }
  }

  private static func dump() async throws -> Manifest {
    let dumped = try await Program.package(["dump-package"])
    return try JSONDecoder().decode(Manifest.self, from: Data(dumped.utf8))
  }

  @Test func `every file imports downwards, and only what its target declares`() async throws {
    let manifest = try await Self.dump()
    var seen = 0
    for target in manifest.targets where Self.rows[target.name] != nil && target.type != "system" {
      let folder = Program.root + "/Sources/" + target.name
      let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
      for name in names where name.hasSuffix(".swift") {
        let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
        let declared = Set(target.dependencies.map(\.name))
        #expect(Self.faults(in: text, of: target.name, declared: declared) == [], "\(name)")
        seen += 1
      }
    }
    #expect(seen > 50)
    let known = manifest.targets.filter { $0.type != "test" && $0.name != "TestSupport" }
    #expect(Set(known.map(\.name)) == Set(Self.rows.keys))
  }

  @Test(arguments: [
    ("import Running", "Planning imports Running, which does not stand below it"),
    ("package import Yams", "Planning imports Yams, which it does not declare"),
  ])
  func `an import upwards or undeclared is found`(line: String, fault: String) {
    #expect(Self.faults(in: line, of: "Planning", declared: ["Kernels"]) == [fault])
    #expect(Self.faults(in: "import Kernels", of: "Planning", declared: ["Kernels"]) == [])
  }
}
