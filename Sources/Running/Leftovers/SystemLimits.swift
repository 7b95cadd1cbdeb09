import CLinux
import Glibc
package import Quantities

/// The limits of the system that a sweep or a gate cannot live within, told before it begins: past
/// them libraries stop without a word, or wait for ever.
package enum SystemLimits {
  /// Those of this program and its libraries, and those of each child: pipes, standard error, and what
  /// says that it has ended.
  private static func files(children: Int) -> Int { 26 + 3 * children }

  /// - Parameter cores: how many threads the largest case has.
  package static func check(cores: Int) throws(Fault) {
    guard access("/proc/self/exe", F_OK) == 0 else {
      throw Fault(
        "/proc is not there, and children are started, bound and measured through it",
        at: "/proc", fix: "mount it: mount -t proc proc /proc")
    }
    try checkFiles(children: 2)
    // Those of this program and of one child, with some for the libraries'.
    let threads = 2 * cores + 8
    let started = Int(hr_can_start_threads(Int32(threads)))
    guard started >= threads else {
      throw Fault(
        "only \(started) of \(threads) threads can be started, as a child and this program need "
          + "them",
        // Each thread has a stack, which a limit of memory may refuse as well.
        at: ofMemory ?? "ulimit -u",
        fix: ofMemory == nil
          ? "raise the limit of processes and threads: ulimit -u, or pids.max"
          : "raise that limit: a thread takes 8 MiB of it for its stack")
    }
  }

  /// - Parameter children: the maximum that live at one time, the one that probes the machine among them.
  static func checkFiles(children: Int) throws(Fault) {
    let files = files(children: children)
    guard let open = limit(RLIMIT_NOFILE), open < files else { return }
    // Up to the hard limit is everybody's right.
    var limits = rlimit()
    _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    limits.rlim_cur = min(limits.rlim_max, rlim_t(files))
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    guard limits.rlim_cur >= files else {
      throw Fault(
        "this process may open \(open) files, and \(children) children and their pipes need \(files)",
        at: "ulimit -n", fix: "raise it: ulimit -n \(files)")
    }
  }

  /// What the limits of this process say of memory that was refused; nothing where there are none.
  static var ofMemory: String? {
    for (resource, option) in [(RLIMIT_AS, "-v"), (RLIMIT_DATA, "-d")] {
      if let bytes = limit(resource) { return "ulimit \(option) allows \(Bytes(bytes))" }
    }
    return nil
  }

  private static func limit(_ resource: __rlimit_resource) -> Int? {
    var limits = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limits) == 0,
      limits.rlim_cur <= rlim_t(Int.max)
    else { return nil }
    return Int(limits.rlim_cur)
  }
}
