import Glibc

/// What is changed in `/proc` and `/sys`; each answers 0 or an errno.
package struct FileChanges: Sendable {
  /// Writes a text into a file that exists, in one call, as control files want it.
  package let write: @Sendable (_ text: String, _ path: String) -> Int32
  package let makeDirectory: @Sendable (_ path: String) -> Int32
  package let removeDirectory: @Sendable (_ path: String) -> Int32

  package init(
    write: @escaping @Sendable (_ text: String, _ path: String) -> Int32,
    makeDirectory: @escaping @Sendable (_ path: String) -> Int32,
    removeDirectory: @escaping @Sendable (_ path: String) -> Int32
  ) {
    self.write = write
    self.makeDirectory = makeDirectory
    self.removeDirectory = removeDirectory
  }

  /// The machine that the program runs on.
  package static let system = FileChanges(
    write: systemWrite,
    makeDirectory: { mkdir($0, 0o755) == 0 ? 0 : errno },
    removeDirectory: { rmdir($0) == 0 ? 0 : errno })
}

/// `Permission denied (errno 13)`.
func errorWords(_ code: Int32) -> String {
  guard let words = strerror(code) else { return "errno \(code)" }
  return "\(String(cString: words)) (errno \(code))"
}

@Sendable private func systemWrite(_ text: String, _ path: String) -> Int32 {
  let descriptor = open(path, O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return errno }
  defer { close(descriptor) }
  let bytes = Array(text.utf8)
  while true {
    let count = Glibc.write(descriptor, bytes, bytes.count)
    if count == bytes.count { return 0 }
    guard count < 0 else { return EIO }
    guard errno == EINTR else { return errno }
  }
}
