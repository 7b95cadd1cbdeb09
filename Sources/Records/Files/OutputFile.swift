package import Foundation
import Glibc
package import Quantities

/// The one place that writes what a user asks for: whole or not at all, and never over what is there
/// unless that was asked for.
package struct OutputFile: Sendable {
  package let path: String
  private let mayReplace: Bool
  private let mend: String

  /// - Parameter mend: what a user can do where it cannot be written.
  package init(_ path: String, mayReplace: Bool, fix mend: String = "name another file") {
    self.path = path
    self.mayReplace = mayReplace
    self.mend = mend
  }

  /// Whether it could be written now, before minutes are spent on what it is to hold.
  ///
  /// - Parameter inputs: what is read: raw data is never overwritten by what is made of it.
  package func check(inputs: [String] = []) throws {
    try checkIsNone(of: inputs)
    guard let found = FileStatus(path) else { return }
    if found.isFolder { throw OutputFault.cannotWrite(path, "it is a folder", fix: mend) }
    guard found.isRegular, found.size > 0 else { return }
    if !mayReplace { throw OutputFault.exists(path) }
    if let file = try? File(path, O_RDONLY), flock(file.descriptor, LOCK_EX | LOCK_NB) != 0,
      errno == EWOULDBLOCK
    {
      throw OutputFault.cannotWrite(path, SystemError(EBUSY).words, fix: mend)
    }
  }

  /// A folder of results is read whole: what is added to it would be read the next time.
  package func checkIsNone(of inputs: [String]) throws {
    let parent = Self.parent(of: target)
    let folder = FileStatus(parent.isEmpty ? "." : parent)
    for input in inputs {
      guard let read = FileStatus(input) else { continue }
      if read == FileStatus(path) || (read.isFolder && read == folder) {
        throw OutputFault.isInput(path)
      }
    }
  }

  /// Holds a file's folder for a while, so that reading, changing and writing it again are one step for
  /// all that do so.
  package static func holding<Result>(_ path: String, _ body: () throws -> Result) throws -> Result
  {
    let folder = parent(of: path)
    let lock = try? File(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY)
    if let lock { while flock(lock.descriptor, LOCK_EX) != 0, errno == EINTR {} }
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }

  /// The path without links and detours, of a file that may not be there yet.
  package var canonical: String {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    let folder = Self.parent(of: path)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if let link = try? FileManager.default.destinationOfSymbolicLink(atPath: path), link != path {
      let led = link.hasPrefix("/") || folder.isEmpty ? link : folder + "/" + link
      return OutputFile(led, mayReplace: true).canonical
    }
    guard let resolved = realpath(folder.isEmpty ? "." : folder, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved) + "/" + name
  }

  /// Takes the file's place in one step, so that a reader finds the old content or the new one; a pipe
  /// or a device is written to.
  package func write(_ data: Data) throws {
    try check()
    do throws(SystemError) {
      if let found = FileStatus(path), !found.isRegular { return try overwrite(data) }
      try Self.makeFolder(of: target)
      do throws(SystemError) {
        try replace(with: data)
      } catch  where [EACCES, EPERM, EROFS].contains(error.code) && FileStatus(path) != nil {
        // A file may be writable in a folder that is not.
        try overwrite(data)
      }
    } catch {
      throw OutputFault.cannotWrite(path, error.words, fix: mend)
    }
  }

  /// Adds to the end of a file, which is made where there is none.
  package func append(_ data: Data) throws {
    do throws(SystemError) {
      let file = try File(path, O_WRONLY | O_CREAT | O_APPEND)
      try file.write(data)
    } catch {
      throw OutputFault.cannotWrite(path, error.words, fix: mend)
    }
  }

  /// Makes the folders above a file.
  package static func makeFolder(of path: String) throws(SystemError) {
    let folder = parent(of: path)
    guard !folder.isEmpty, FileStatus(folder) == nil else { return }
    try makeFolder(of: folder)
    guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw SystemError(errno) }
  }

  /// All before the last slash; nothing for a name alone.
  private static func parent(of path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Where a symbolic link leads: it stays, and its file is replaced.
  private var target: String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private func replace(with data: Data) throws(SystemError) {
    let target = target
    let folder = Self.parent(of: target)
    let name = target.split(separator: "/").last.map(String.init) ?? target
    // One name for each file: what a killed writer left is taken by the next one.
    let draft =
      (folder.isEmpty ? "" : folder + "/") + ".headroom-draft-" + Digest(Data(name.utf8)).text
    let file = try File(draft, O_WRONLY | O_CREAT)
    // Some file systems know no locks: then two writers' drafts may meet, and the later one stays.
    if flock(file.descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      throw SystemError(EBUSY)
    }
    do throws(SystemError) {
      guard ftruncate(file.descriptor, 0) == 0 else { throw SystemError(errno) }
      try file.write(data)
      if let found = FileStatus(target) { _ = fchmod(file.descriptor, found.mode) }
      guard fsync(file.descriptor) == 0, rename(draft, target) == 0 else {
        throw SystemError(errno)
      }
    } catch {
      _ = unlink(draft)
      throw error
    }
  }

  private func overwrite(_ data: Data) throws(SystemError) {
    let file = try File(path, O_WRONLY | O_TRUNC)
    try file.write(data)
  }
}

/// What the system refused.
package struct SystemError: Error, Hashable {
  package let code: Int32

  package init(_ code: Int32) { self.code = code }

  package var words: String {
    switch code {
    case EBUSY: "another program is writing it"
    default: strerror(code).map { String(cString: $0) } ?? "errno \(code)"
    }
  }
}

/// An open file; closed with its last reference.
package final class File: Sendable {
  package let descriptor: Int32

  package init(_ path: String, _ flags: Int32) throws(SystemError) {
    // An empty name would be the folder itself to some calls.
    descriptor = path.isEmpty ? -1 : open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError(path.isEmpty ? ENOENT : errno) }
  }

  deinit { close(descriptor) }

  package func write(_ data: Data) throws(SystemError) { try Self.write(data, to: descriptor) }

  /// All of it: a short write, an interruption and a pipe that is full for now are gone on from.
  package static func write(_ data: Data, to descriptor: Int32) throws(SystemError) {
    let failure: Int32 = data.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count >= 0 {
          written += count
        } else if errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, -1)
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    if failure != 0 { throw SystemError(failure) }
  }
}

/// What there is at a path, symbolic links followed.
package struct FileStatus: Hashable, Sendable {
  private let device: UInt
  private let number: UInt
  private let kind: mode_t
  package let mode: mode_t
  package let size: Int

  package init?(_ path: String) {
    var found = stat()
    guard stat(path, &found) == 0 else { return nil }
    self.init(found)
  }

  package init?(descriptor: Int32) {
    var found = stat()
    guard fstat(descriptor, &found) == 0 else { return nil }
    self.init(found)
  }

  private init(_ found: stat) {
    device = UInt(found.st_dev)
    number = UInt(found.st_ino)
    kind = found.st_mode & S_IFMT
    mode = found.st_mode & 0o7777
    size = Int(found.st_size)
  }

  package var isRegular: Bool { kind == S_IFREG }
  package var isFolder: Bool { kind == S_IFDIR }

  /// Whether both are the same file, whatever was written to it meanwhile.
  package static func == (left: FileStatus, right: FileStatus) -> Bool {
    left.device == right.device && left.number == right.number
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(device)
    hasher.combine(number)
  }
}

/// Why something cannot be written.
package enum OutputFault: FaultConvertible, Hashable {
  case exists(String)
  case isInput(String)
  case twice(String)
  case cannotWrite(String, String, fix: String)

  package var fault: Fault {
    switch self {
    case .exists(let path):
      Fault(
        "the file exists", at: path, fix: "overwrite it by --replace, or name another")
    case .isInput(let path):
      Fault(
        "this is what is read: writing to it would destroy it", at: path, fix: "name another file")
    case .twice(let path):
      Fault(
        path == "-"
          ? "two results cannot both go to standard output" : "two results are to go there",
        at: path, fix: "name a file for each")
    case .cannotWrite(let path, let why, let mend):
      Fault(
        "it cannot be written: \(why)", at: path,
        fix: why == SystemError(ENOSPC).words ? "make room, or \(mend)" : mend)
    }
  }
}
