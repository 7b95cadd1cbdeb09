import Foundation
import Glibc
import Quantities
import Records
import Synchronization
import SystemPackage

/// Passes on what a program writes to its standard error, unchanged and at once, and listens in.
final class StandardErrorTee: Sendable {
  /// For the program.
  let writeEnd: FileDescriptor
  private let readEnd: Int32
  private let scanner = Mutex(ComplaintScanner())
  /// Whether the program is gone: then what is in the pipe is all there will be, though a process that
  /// it left may still hold it open.
  private let isOver = Mutex(false)
  private let done = DispatchSemaphore(value: 0)

  init() throws {
    do {
      let ends = try FileDescriptor.pipe()
      readEnd = ends.readEnd.rawValue
      writeEnd = ends.writeEnd
    } catch {
      throw Fault(
        "no pipe can be made for the program's standard error: \(error)",
        fix: "raise the limit of open files: ulimit -n")
    }
    for end in [readEnd, writeEnd.rawValue] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  }

  func start() {
    let thread = Thread { [self] in
      pass()
      close(readEnd)
      done.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// What of it tells of refused memory; waits until all is passed on.
  func finish() async -> [String] {
    isOver.withLock { $0 = true }
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        self.done.wait()
        continuation.resume()
      }
    }
    return scanner.withLock { scanner in
      scanner.finish()
      return scanner.complaints
    }
  }

  private func pass() {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var waiting = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
      let isLast = isOver.withLock { $0 }
      let ready = poll(&waiting, 1, isLast ? 0 : 20)
      if ready == 0 {
        if isLast { return }
        continue
      }
      if ready < 0, errno == EINTR { continue }
      let count = read(readEnd, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      // Who reads no further has no part in how the program ends.
      try? File.write(Data(chunk[..<count]), to: STDERR_FILENO)
      scanner.withLock { $0.add(chunk[..<count]) }
    }
  }
}
