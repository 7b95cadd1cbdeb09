import Glibc
package import Quantities

/// `RLIMIT_DATA` of this process: how large its private writable address space may grow.
///
/// It counts what is mapped, not what is touched (`ProcessMemory.data`), thread stacks included; an
/// allocation above it fails with ENOMEM, and nobody is killed.
package enum DataLimit {
  /// Sets the soft limit only, so that it can be raised again.
  package static func set(_ limit: Bytes) throws(Fault) {
    var limits = try current()
    guard rlim_t(limit.count) <= limits.rlim_max else {
      throw Fault(
        "the data limit \(limit) is above the hard limit \(Bytes(Int(limits.rlim_max)))",
        fix: "raise the hard limit (ulimit -Hd), or ask for less")
    }
    limits.rlim_cur = rlim_t(limit.count)
    try apply(limits)
  }

  /// Raises the soft limit to the hard one.
  package static func lift() throws(Fault) {
    var limits = try current()
    limits.rlim_cur = limits.rlim_max
    try apply(limits)
  }

  /// The soft limit; nil where there is none.
  package static func read() throws(Fault) -> Bytes? {
    let soft = try current().rlim_cur
    return soft > rlim_t(Int.max) ? nil : Bytes(Int(soft))
  }

  private static func current() throws(Fault) -> rlimit {
    var limits = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limits) == 0 else {
      throw Fault("the data limit cannot be read: \(errorWords(errno))")
    }
    return limits
  }

  private static func apply(_ limits: rlimit) throws(Fault) {
    var limits = limits
    guard setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limits) == 0 else {
      throw Fault("the data limit cannot be set: \(errorWords(errno))")
    }
  }
}
