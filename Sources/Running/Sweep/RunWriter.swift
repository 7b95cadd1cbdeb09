import Foundation
import Glibc
package import Quantities
package import Records

/// Appends records to a run file, each on the disk before the next case starts.
///
/// While it is there, no other writer opens the same file: a lock of the system's, which goes with its
/// holder however that ends.
package final class RunWriter {
  private let path: String
  private let file: File
  /// From the header on.
  private var lines: AppendedFile?
  /// Whether the file came to be for this run, and holds nothing yet.
  private var isFresh: Bool

  /// How the output file is met.
  package enum Opening: Sendable {
    case new, replace, resume
  }

  /// Opens and locks the file; what is in it stays until the header is written.
  package init(_ path: String, _ opening: Opening) throws {
    self.path = path
    guard path != "-" else { throw RunWriterFault.standardOutput }
    // Whatever it is called: rows of the table would stand between records.
    if let found = FileStatus(path), found == FileStatus(descriptor: STDOUT_FILENO) {
      throw RunWriterFault.standardOutput
    }
    if let found = FileStatus(path), !found.isRegular {
      throw RunWriterFault.cannotOpen(path, found.isFolder ? "it is a folder" : "it is no file")
    }
    isFresh = false
    // What is wrong with the folder shows when the file is opened.
    try? OutputFile.makeFolder(of: path)
    let existed = FileStatus(path) != nil
    do throws(SystemError) {
      file = try File(path, O_RDWR | O_CREAT)
    } catch {
      throw RunWriterFault.cannotOpen(path, error.words)
    }
    guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw errno == EWOULDBLOCK
        ? RunWriterFault.busy(path)
        : RunWriterFault.cannotOpen(path, "it cannot be locked: \(SystemError(errno).words)")
    }
    // An empty file is what a run leaves that ended before its header: nothing is lost with it.
    if opening == .new, size > 0 { throw RunWriterFault.exists(path) }
    isFresh = !existed
  }

  deinit { if isFresh { unlink(path) } }

  /// Whether there is nothing to go on with.
  package var isEmpty: Bool { size == 0 }

  private var size: Int { FileStatus(path)?.size ?? 0 }

  /// Begins the run: what the file held goes.
  package func begin(_ header: RunHeader) throws {
    try told { lines = try AppendedFile(file, from: 0) }
    try append(header)
    isFresh = false
  }

  /// Goes on with a file whose run was cut off. A whole last record that lacks its line break gets
  /// one; a torn one is cut away.
  package func resume(_ run: Run) throws {
    isFresh = false
    let bytes = try InputFile(path, as: RunFile.noun).raw
    let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let isWhole = whole == bytes.count || !run.tornLine
    try told {
      let lines = try AppendedFile(file, from: isWhole ? bytes.count : whole)
      if isWhole, bytes.last != UInt8(ascii: "\n") { try lines.put(Data("\n".utf8)) }
      self.lines = lines
    }
  }

  package func append(_ value: some Encodable) throws {
    guard let lines else { preconditionFailure("a run begins with its header") }
    try told { try lines.append(value) }
  }

  private func told(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as SystemError {
      throw RunWriterFault.cannotWrite(path, error.words)
    }
  }
}

/// What can go wrong with the output.
package enum RunWriterFault: FaultConvertible, Hashable {
  case standardOutput
  case exists(String)
  case busy(String)
  case cannotOpen(String, String)
  case cannotWrite(String, String)

  package var fault: Fault {
    switch self {
    case .standardOutput:
      Fault(
        "a run is kept in a file, so that it can be gone on with", at: "-o -",
        fix: "name a file with -o; --json - writes the report to standard output")
    case .exists(let path):
      Fault(
        "the run file exists", at: path,
        fix: "go on with it by --resume, overwrite it by --replace, or name another with -o")
    case .busy(let path):
      Fault(
        "another sweep is writing the run file", at: path,
        fix: "wait for it, or name another with -o")
    case .cannotOpen(let path, let why):
      Fault("the run file cannot be written: \(why)", at: path, fix: "name another with -o")
    case .cannotWrite(let path, let why):
      Fault(
        "a record could not be written: \(why); those before it are whole", at: path,
        fix: "make room, then go on with --resume")
    }
  }
}
