import Glibc

/// A file that is written piece by piece and takes its place in one step: a reader finds the old content,
/// or the new one whole.
struct DraftFile {
  private let path: String
  private let draft: String
  private let descriptor: Int32

  /// Adds a piece to the end.
  typealias Take = (UnsafeRawBufferPointer) throws -> Void

  /// Writes what `body` gives to a draft beside `path`, which then takes that name. Where anything is
  /// thrown, no draft stays, and what was at `path` is as it was.
  static func write(to path: String, _ body: (Take) throws -> Void) throws {
    // A symbolic link stays, and its file is replaced.
    let target = resolved(path) ?? path
    var found = stat()
    let isThere = stat(target, &found) == 0
    if isThere, found.st_mode & S_IFMT != S_IFREG {
      let isFolder = found.st_mode & S_IFMT == S_IFDIR
      throw ModelFileFault(
        path, .unwritable(isFolder ? "it is a folder" : "it is a pipe or a device"))
    }
    let file = try DraftFile(of: target, for: path)
    defer { close(file.descriptor) }
    do {
      try body(file.take)
      if isThere { _ = fchmod(file.descriptor, found.st_mode & 0o7777) }
      guard fsync(file.descriptor) == 0, rename(file.draft, target) == 0 else {
        throw file.refusal
      }
    } catch {
      unlink(file.draft)
      throw error
    }
    syncFolder(of: target)
  }

  private init(of target: String, for path: String) throws(ModelFileFault) {
    // One name for each file: what a killed writer left is taken by the next one.
    let draft = Self.folder(of: target) + "/.headroom-draft-" + Self.digest(target)
    guard let name = target.split(separator: "/").last, name != ".", name != ".." else {
      throw ModelFileFault(path, .writing(errno: target.isEmpty ? ENOENT : EISDIR))
    }
    while true {
      // A link of that name would lead to a file that is none of ours.
      let descriptor = open(draft, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw ModelFileFault(path, .writing(errno: errno)) }
      // Some file systems know no locks: then two writers' drafts may meet.
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
        close(descriptor)
        throw ModelFileFault(path, .beingWritten)
      }
      // Another writer may have given its draft the file's name since it was opened here.
      if Self.isSame(descriptor, draft) {
        guard ftruncate(descriptor, 0) == 0 else {
          let reason = ModelFileFault.Reason.writing(errno: errno)
          close(descriptor)
          throw ModelFileFault(path, reason)
        }
        self.path = path
        self.draft = draft
        self.descriptor = descriptor
        return
      }
      close(descriptor)
    }
  }

  private func take(_ piece: UnsafeRawBufferPointer) throws {
    var written = 0
    while written < piece.count {
      let rest = UnsafeRawBufferPointer(rebasing: piece[written...])
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw refusal
      }
    }
  }

  /// What the last call was refused for.
  private var refusal: ModelFileFault { ModelFileFault(path, .writing(errno: errno)) }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "" : String(path[..<slash])
  }

  /// FNV-1a (Fowler, Noll and Vo, 1991) of the file's name.
  private static func digest(_ path: String) -> String {
    let name = path.utf8.suffix { $0 != UInt8(ascii: "/") }
    let bits = name.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    return String(bits, radix: 16)
  }

  private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
      && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
  }

  /// The name is safe only with the folder; some file systems cannot do that, and lose nothing by it.
  private static func syncFolder(of path: String) {
    let folder = open(folder(of: path) + "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    _ = fsync(folder)
    close(folder)
  }
}

extension BidirectionalCollection {
  fileprivate func suffix(while matches: (Element) -> Bool) -> SubSequence {
    var start = endIndex
    while start > startIndex, matches(self[index(before: start)]) { formIndex(before: &start) }
    return self[start...]
  }
}
