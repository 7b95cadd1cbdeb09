import Glibc
package import Quantities
import Records

/// Keeps another process of this machine from writing a file that is replaced as a whole again and
/// again; a lock on the file would go with each of its contents. It leaves nothing behind.
///
/// - Source: unix(7), abstract socket addresses.
package final class NameLock: Sendable {
  private let socket: Int32

  /// - Parameter path: the file's own, without links.
  package init(_ path: String) throws(Fault) {
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The first byte is 0: the name is no file.
    let name = [0] + Array("headroom-\(Digest(path: path).text)".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
    }
    if result != 0, errno == EADDRINUSE {
      throw Fault(
        "another gate is writing the result", at: path, fix: "wait for it, or name another with -o")
    }
  }

  deinit { close(socket) }
}
