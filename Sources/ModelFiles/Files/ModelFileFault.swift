import Glibc
package import Quantities

/// Why a file of weights cannot be opened, read or written, whatever its format.
package struct ModelFileFault: FaultConvertible, Hashable {
  package let path: String
  package let reason: Reason

  package enum Reason: Hashable, Sendable {
    case missing
    case folder
    case noPermission
    /// A pipe or a device, whose bytes have no places.
    case noPlaces
    case unreadable(String)
    /// It became shorter while it was read.
    case becameShorter
    case beingWritten
    case unwritable(String)
    case tooLargeForMemory(Bytes)
  }

  init(_ path: String, _ reason: Reason) {
    self.path = path
    self.reason = reason
  }

  package var fault: Fault {
    switch reason {
    case .missing: made("there is no model file to read", fix: "name a file that exists")
    case .folder: made("the model file is a folder", fix: "name a file in it")
    case .noPermission:
      made(
        "the model file may not be read: permission denied", fix: "see its owner and mode: ls -l")
    case .noPlaces:
      made(
        "a model file is read at places, and this is a pipe or a device", fix: "save it as a file")
    case .unreadable(let why): made("the model file cannot be read: \(why)", fix: nil)
    case .becameShorter:
      made(
        "the model file became shorter while it was read",
        fix: "try again when nothing writes to it")
    case .beingWritten: made("another program is writing it", fix: "try again when it has ended")
    case .unwritable(let why): made("it cannot be written: \(why)", fix: "name another file")
    case .tooLargeForMemory(let size):
      made(
        "\(size) are to be read at once, and this machine's memory does not hold them",
        fix: "use a smaller model, or a machine with more memory")
    }
  }

  private func made(_ what: String, fix mend: String?) -> Fault { Fault(what, at: path, fix: mend) }
}

extension ModelFileFault.Reason {
  static func reading(errno code: Int32) -> Self {
    switch code {
    case ENOENT, ENOTDIR: .missing
    case EISDIR: .folder
    case EACCES, EPERM: .noPermission
    default: .unreadable(words(code))
    }
  }

  static func writing(errno code: Int32) -> Self { .unwritable(words(code)) }

  private static func words(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "errno \(code)"
  }
}
