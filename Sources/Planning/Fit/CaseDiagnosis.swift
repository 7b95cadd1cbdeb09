package import MemoryPlanning
import OrderedCollections
package import Quantities
package import Records

/// Why one case ran out of memory, and what would make it fit.
package struct CaseDiagnosis: Sendable {
  package let record: Record
  /// What it was allowed; nil where only the machine set a limit that is not known.
  package let limit: FitLimit?
  /// What it was predicted to take before it ran.
  package let predicted: Bytes?
  /// The changes that fit, priced; nil where the case is none that this program can plan.
  package let report: FitReport?
  /// Why there is no report.
  package let why: String?

  /// Every case of some runs that ran out of memory, or was left out since it would have.
  ///
  /// - Parameters:
  ///   - id: of the only case that is meant, or a part of it; all where it is nil.
  ///   - allowed: names of changes that may be made.
  package static func all(
    of runs: [Run], id: String? = nil, allowed: Set<String>? = nil
  ) throws -> [CaseDiagnosis] {
    var seen: Set<String> = []
    var found: [CaseDiagnosis] = []
    // What kernels work with depends on their threads, and those are the run's and not this machine's.
    var solvers: [Int?: FitSolver] = [:]
    for run in runs {
      for record in run.records where record.ranOutOfMemory {
        let name = record.case.id
        if let id, name != id, !name.contains(id) { continue }
        guard seen.insert(name).inserted else { continue }
        found.append(
          CaseDiagnosis(
            record, of: run, all: runs, allowed,
            &solvers[record.threads, default: FitSolver(threads: record.threads)]))
      }
    }
    return found
  }

  private init(
    _ record: Record, of run: Run, all runs: [Run], _ allowed: Set<String>?,
    _ solver: inout FitSolver
  ) {
    self.record = record
    predicted = record.predicted?.peak
    let own = record.case.axes[HarnessAxis.memoryLimit.rawValue].flatMap { Bytes($0.text) }
    let bytes = record.memory?.limit ?? own ?? run.header.measure?.memoryLimit
    limit = bytes.map { FitLimit($0, name: $0.description) }
    do {
      let setting = try FitSetting(record.case.settingValues)
      let prices = try? MeasuredPrices(runs, setting)
      report = try solver.report(
        setting, limit: limit, isExplained: false, allowed: allowed,
        prices: prices?.prices ?? [:])
      why = nil
    } catch {
      report = nil
      why = (error as? any FaultConvertible)?.fault.what ?? "\(error)"
    }
  }
}

extension CaseDiagnosis {
  /// The plan of a proposal alone, measured as another plan is; nil where this program cannot run it.
  package func plan(of proposal: MendSearch.Proposal, like other: Plan) throws -> Plan? {
    guard let report, (try? report.setting.runtime()) == .headroom else { return nil }
    let axes = try report.setting.changing(proposal.changes).axes()
    let suite = try Suite(
      inlineWorkload: report.setting.workload,
      axes: axes.keys.sorted().map { "\($0)=\(axes[$0] ?? "")" })
    var options = MeasureOptions()
    if let limit { try options.setOption(.memoryLimit, to: "\(limit.bytes.count)B") }
    let cores = record.threads ?? other.cases.map(\.threads).max() ?? 1
    let plan = try Planner(cores: cores).plan(
      suite, options: options)
    return plan.cases.isEmpty ? nil : plan
  }
}

extension Record {
  /// Whether memory is why it did not end well, or did not begin.
  package var ranOutOfMemory: Bool {
    switch outcome {
    case .outOfMemory: true
    case .skipped(let reason): reason.contains("will not fit")
    default: false
    }
  }
}

extension Case {
  /// Its axes as a setting has them, without what the harness alone needs.
  package var settingValues: [String: String] {
    var values = ["workload": workload]
    for (name, value) in axes { values[name] = value.text }
    values[HarnessAxis.memoryLimit.rawValue] = nil
    values[HarnessAxis.cache.rawValue] = nil
    if workload == "training-step" || workload == "decoder" {
      if values[HarnessAxis.variant.rawValue] == "best" {
        values[HarnessAxis.variant.rawValue] = nil
      }
      if values[HarnessAxis.threads.rawValue] == "all" {
        values[HarnessAxis.threads.rawValue] = nil
      }
    }
    return values
  }
}
