import Glibc
import Quantities

/// An open file that is read at places, so that it need not fit into memory.
final class PlacedFile: Sendable {
  let path: String
  /// Bytes that it had when it was opened.
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws(ModelFileFault) {
    // Opening a pipe without a writer would wait for one.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw ModelFileFault(path, .reading(errno: errno)) }
    var found = stat()
    let reason: ModelFileFault.Reason? =
      if fstat(descriptor, &found) != 0 {
        .reading(errno: errno)
      } else {
        switch found.st_mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: .folder
        default: .noPlaces
        }
      }
    if let reason {
      close(descriptor)
      throw ModelFileFault(path, reason)
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(found.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes from `place` on.
  func read(at place: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ModelFileFault) {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, place + done)
      if count > 0 {
        done += count
      } else if count == 0 {
        throw ModelFileFault(path, .becameShorter)
      } else if errno != EINTR {
        throw ModelFileFault(path, .reading(errno: errno))
      }
    }
  }

  /// An allocation that fails ends the process: one whose size a file decides is tried first.
  ///
  /// - Throws: `tooLargeForMemory`.
  func checkFits(_ size: Int) throws(ModelFileFault) {
    let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    guard memory < 0 || size <= memory, let trial = malloc(max(size, 1)) else {
      throw ModelFileFault(path, .tooLargeForMemory(Bytes(size)))
    }
    free(trial)
  }
}
