import Foundation
import ModelFiles
import Quantities

/// A folder for files of one test; removed with it.
final class Scratch: Sendable {
  let folder = FileManager.default.temporaryDirectory.path + "/model-files-\(UUID().uuidString)"

  init() {
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// Writes a file and gives its path.
  func file(_ bytes: some Sequence<UInt8>, _ name: String = "x.safetensors") throws -> String {
    // Some file systems flush a file that is written over.
    unlink(path(name))
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }
}

/// A file's bytes: the header's length, the header, and zeros for data.
func safetensors(_ header: some Sequence<UInt8>, data: Int = 0) -> [UInt8] {
  let header = Array(header)
  return (0..<8).map { UInt8(header.count >> (8 * $0) & 0xFF) } + header
    + [UInt8](repeating: 0, count: data)
}

/// What a body throws, where it has the words for it.
func fault(_ body: () throws -> Void) -> Fault? {
  do {
    try body()
    return nil
  } catch {
    return (error as? any FaultConvertible)?.fault
  }
}
