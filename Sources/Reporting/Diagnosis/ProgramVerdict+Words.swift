import Quantities
import Records

/// What is said of a program's end.
extension ProgramDiagnosis {
  /// How it left, without a reason.
  var endingWords: String {
    switch ending {
    case .exited(0): "it ended well"
    case .exited(let code): "it left with exit code \(code)"
    case .signaled(let signal): "\(signalName(signal)) ended it"
    case .timedOut(let time): "it was ended after \(time), as --timeout asked"
    }
  }

  /// What memory had to do with it.
  var verdictWords: String {
    switch verdict {
    case .endedWell: "Nothing recorded says that it lacked memory."
    case .timedOut, .notMemory: "Nothing recorded says that memory was the reason."
    case .ourLimit(let limit, let kills):
      "The kernel killed \(processes(kills)) at our limit of \(limit)."
    case .outerLimit(let kills):
      "The kernel killed \(processes(kills)) for want of memory, and not for a limit of ours: a "
        + "limit above it, as a container has one, or the machine's memory was full."
    case .machine(let kills):
      "The machine killed it, for all that ran: the kernel counted "
        + "\(counted(kills, "kill")) for want of memory meanwhile."
    case .refused(let by, let said):
      (said == nil
        ? "It ended as one does whose allocation was refused, and its data was at its limit"
        : "An allocation was refused") + by.words + (said.map { " It wrote: \($0)" } ?? "")
    }
  }

  /// The word for scripts.
  var verdictName: String {
    switch verdict {
    case .endedWell: "ended-well"
    case .ourLimit: "our-limit"
    case .outerLimit: "outer-limit"
    case .machine: "machine"
    case .refused: "refused-allocation"
    case .timedOut: "timed-out"
    case .notMemory: "not-memory"
    }
  }

  private func processes(_ kills: Int) -> String {
    kills == 1 ? "a process of it" : "\(kills) processes of it"
  }
}

extension ProgramVerdict.By {
  fileprivate var words: String {
    switch self {
    case .ourLimit(let limit): ": our limit of \(limit) is over the data of each process."
    case .inherited(let limit, let option):
      ": ulimit \(option) was \(limit) before it was started."
    case .noLimit:
      ". No limit over its own data or address space was seen: it asked for more than the machine "
        + "grants, or set itself a limit."
    }
  }
}
