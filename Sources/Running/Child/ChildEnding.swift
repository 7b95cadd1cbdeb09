import Glibc
package import Quantities
package import Records

/// What a child's end means for its case, from all that could be seen of it.
package struct ChildEnding {
  let ending: ProcessEnding
  let timedOut: Bool
  let timeout: Seconds
  let doing: String
  let lastWords: String
  /// Out-of-memory kills that the child's own control group counted.
  var groupKills: Int
  /// Those that the whole machine counted meanwhile.
  var machineKills: Int
  /// The data size when the child was last looked at.
  var dataSize: Bytes?
  /// The data size that the operating system allowed it, where that was limited.
  var limit: Bytes?
  /// What its ledger says was live, in words.
  var live: String?

  package init(
    ending: ProcessEnding, timedOut: Bool = false, timeout: Seconds = Seconds(60),
    doing: String, lastWords: String = "", groupKills: Int = 0, machineKills: Int = 0,
    dataSize: Bytes? = nil, limit: Bytes? = nil, live: String? = nil
  ) {
    self.live = live
    self.ending = ending
    self.timedOut = timedOut
    self.timeout = timeout
    self.doing = doing
    self.lastWords = lastWords
    self.groupKills = groupKills
    self.machineKills = machineKills
    self.dataSize = dataSize
    self.limit = limit
  }

  package var outcome: Outcome {
    if timedOut { return .timedOut(reason: "no answer within \(timeout) while \(doing)") }
    switch ending {
    case .notStarted(let why): return .crashed(signal: "exit", reason: why)
    case .exited(let code):
      return .crashed(signal: "exit \(code)", reason: "the worker left while \(doing)\(said)")
    case .signaled(SIGKILL):
      if groupKills > 0 {
        return .outOfMemory(.limit, reason: "the system's limit above the budget was hit\(held)")
      }
      if machineKills > 0 {
        return .outOfMemory(.killed, reason: "the machine ran out of memory and killed it\(held)")
      }
      return .crashed(signal: "SIGKILL", reason: "killed from outside while \(doing)")
    case .signaled(let signal):
      let name = signalName(signal)
      if Self.ofAllocation.contains(signal), limit != nil, ranOut {
        return .outOfMemory(.limit, reason: "\(name) at the system's limit\(said)\(held)")
      }
      return .crashed(signal: name, reason: "\(name) while \(doing)\(said)")
    }
  }

  /// A failed allocation outside the ledger traps; it is told from a bug by what it said, or by
  /// how near the limit it was.
  private var ranOut: Bool {
    if lastWords.contains("failed to allocate") || lastWords.contains("Unable to allocate") {
      return true
    }
    guard let dataSize, let limit else { return false }
    return dataSize + .mebibytes(1) >= limit
  }

  private var held: String { live.map { "; \($0)" } ?? "" }

  private var said: String {
    let last = lastWords.split(separator: "\n").last.map(String.init) ?? ""
    return last.isEmpty ? "" : ": \(last)"
  }

  private static let ofAllocation: Set<Int32> = [SIGABRT, SIGSEGV, SIGILL, SIGTRAP]
}

/// How a child left.
package enum ProcessEnding: Sendable, Hashable {
  case exited(Int32)
  case signaled(Int32)
  case notStarted(String)
}
