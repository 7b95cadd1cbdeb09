import Foundation
import Glibc

/// Ends a worker whose parent was killed while it was in a call that does not come back.
///
/// The pipe's far end tells, without a look at the clock: a thread sleeps until it closes. A script
/// may close it, too, with requests still to be answered; only a parent that is gone ends a worker.
enum OrphanWatch {
  static func start() {
    let parent = getppid()
    let thread = Thread {
      var input = pollfd(fd: STDIN_FILENO, events: 0, revents: 0)
      while poll(&input, 1, -1) < 0, errno == EINTR {}
      // A dying parent closes its files a little before its children are given to another.
      while getppid() == parent { usleep(100_000) }
      _exit(1)
    }
    thread.stackSize = 1 << 20
    thread.start()
  }
}
