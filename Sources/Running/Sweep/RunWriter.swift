import Foundation
package import Quantities
package import Records
import SystemPackage

/// Appends records to a run file, each on the disk before the next case starts.
package final class RunWriter {
  private let path: String
  private let file: FileDescriptor
  /// The bytes that are whole lines: where a failed write is cut back to.
  private var length: Int64

  /// Begins a new file.
  package static func create(_ path: String, header: RunHeader, replace: Bool) throws -> RunWriter {
    if !replace, FileManager.default.fileExists(atPath: path) { throw RunWriterFault.exists(path) }
    makeFolder(of: path)
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.create, .truncate],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      let writer = RunWriter(path: path, file: file, length: 0)
      try writer.append(header)
      return writer
    } catch let error as Errno {
      throw RunWriterFault.cannotOpen(path, error.description)
    }
  }

  /// Throws if the file could not be made, and leaves nothing behind.
  static func tryOut(_ path: String) throws {
    let existed = FileManager.default.fileExists(atPath: path)
    makeFolder(of: path)
    do {
      try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create], permissions: .ownerReadWrite
      ).close()
    } catch let error as Errno {
      throw RunWriterFault.cannotOpen(path, error.description)
    }
    if !existed { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func makeFolder(of path: String) {
    let folder = (path as NSString).deletingLastPathComponent
    guard !folder.isEmpty else { return }
    // What is wrong with the folder shows when the file is opened.
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// Goes on with a file whose run was cut off; a torn last line is cut away.
  package static func resume(_ path: String) throws -> RunWriter {
    do {
      let file = try FileDescriptor.open(FilePath(path), .readWrite)
      let text = try Data(contentsOf: URL(fileURLWithPath: path))
      let whole = text.lastIndex(of: UInt8(ascii: "\n")).map { Int64($0) + 1 } ?? 0
      try file.resize(to: whole)
      try file.seek(offset: whole, from: .start)
      return RunWriter(path: path, file: file, length: whole)
    } catch let error as Errno {
      throw RunWriterFault.cannotOpen(path, error.description)
    }
  }

  private init(path: String, file: FileDescriptor, length: Int64) {
    self.path = path
    self.file = file
    self.length = length
  }

  deinit { try? file.close() }

  package func append(_ value: some Encodable) throws {
    var line = try JSONText.encode(value)
    line.append(UInt8(ascii: "\n"))
    do {
      try file.writeAll(line)
      try file.synchronize()
      length += Int64(line.count)
    } catch {
      // Half a record must not stand where the next one would be appended.
      try? file.resize(to: length)
      _ = try? file.seek(offset: length, from: .start)
      throw RunWriterFault.cannotWrite(path, "\(error)")
    }
  }
}

extension FileDescriptor {
  fileprivate func synchronize() throws {
    if fsync(rawValue) != 0 { throw Errno(rawValue: errno) }
  }
}

/// What can go wrong with the output.
package enum RunWriterFault: FaultConvertible, Hashable {
  case exists(String)
  case cannotOpen(String, String)
  case cannotWrite(String, String)

  package var fault: Fault {
    switch self {
    case .exists(let path):
      Fault(
        "the run file exists", at: path,
        fix: "go on with it by --resume, overwrite it by --replace, or name another with -o")
    case .cannotOpen(let path, let why):
      Fault("the run file cannot be written: \(why)", at: path, fix: "name another with -o")
    case .cannotWrite(let path, let why):
      Fault(
        "a record could not be written: \(why); those before it are whole", at: path,
        fix: "make room, then go on with --resume")
    }
  }
}
