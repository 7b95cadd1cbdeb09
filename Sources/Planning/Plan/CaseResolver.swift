import Kernels
import OrderedCollections
import Quantities
import Records
import Workloads

/// Settles what one case's words stand for on this machine.
struct CaseResolver {
  let asked: Case
  let row: OrderedDictionary<String, Located<AxisValue>>
  let grid: EntryGrid
  let cores: Int

  enum Resolution {
    case run(PlannedCase)
    case skip(String)
  }

  func resolve(memoryLimit common: Bytes?, room: MemoryRoom?) throws -> Resolution {
    let workload = grid.workload
    let problem = try checkedProblem()
    let threads = asked.axes[HarnessAxis.threads.rawValue]?.number ?? cores
    guard threads <= cores else {
      let place = place(of: HarnessAxis.threads.rawValue)
      if place.isOption { throw SuiteFault.tooManyThreads(threads, cores: cores, place) }
      return .skip("\(threads) threads, and \(counted(cores, "core")) to run on")
    }
    guard let variant = chosenVariant else {
      return .skip("no variant of \(workload.name) of our own runs on this machine")
    }
    if let reason = variant.unavailable { return .skip(reason) }
    if let reason = problem.declined(by: variant.name) { return .skip(reason) }
    let cache = CacheState(rawValue: text(.cache)) ?? .warm
    let limit = asked.axes[HarnessAxis.memoryLimit.rawValue].flatMap { Bytes($0.text) } ?? common
    let rehearsal = try placing {
      try workload.rehearsal(of: problem, variant: variant.name, threads: threads)
    }
    // A command's memory is not ours to predict.
    let misfit =
      variant.name.hasPrefix(VariantDescription.command)
      ? nil : Misfit(needed: rehearsal.needed, memoryLimit: limit, room: room)
    return .run(
      PlannedCase(
        case: asked, problem: problem, variant: variant.name, kind: variant.kind,
        threads: threads, cache: cache, memoryLimit: limit, work: problem.work,
        predicted: rehearsal.plan, needed: rehearsal.needed, misfit: misfit, gate: grid.entry.gate,
        monotone: grid.monotone, merged: [], group: nil))
  }

  private var chosenVariant: VariantDescription? {
    let name = text(.variant)
    return grid.workload.variant(named: name) ?? grid.workload.best
  }

  private func checkedProblem() throws -> any BoundProblem {
    let problem = try grid.workload.problem { asked.axes[$0] }
    guard problem.isCountable else {
      throw SuiteFault.tooLarge(asked.id, grid.entry.place)
    }
    try placing { try problem.validate() }
    return problem
  }

  /// What cannot be is told where it was written.
  private func placing<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let fault as ProblemFault {
      let axis = grid.workload.axes.first { $0.label == fault.axis }?.name ?? fault.axis
      throw SuiteFault.noProblem(fault.what, mend: fault.mend, place(of: axis))
    }
  }

  private func text(_ axis: HarnessAxis) -> String { asked.axes[axis.rawValue]?.text ?? "" }

  /// Where the value was written, or where the entry begins that left it out.
  private func place(of axis: String) -> Place { row[axis]?.place ?? grid.entry.place }
}
