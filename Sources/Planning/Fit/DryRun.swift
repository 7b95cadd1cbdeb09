import Kernels
import Quantities
import Records
package import Workloads

/// What a workload of this program allocates, by its own code and a ledger that maps nothing.
package enum DryRun {
  /// - Parameters:
  ///   - name: of the workload.
  ///   - values: of its axes by their names; those that may be left out may be.
  /// - Throws: a fault of the setting.
  package static func rehearsal(_ name: String, _ values: [String: String], threads: Int) throws
    -> Rehearsal
  {
    let suite = try Suite(
      inlineWorkload: name,
      axes: values.keys.sorted().map { "\($0)=\(values[$0] ?? "")" })
    let plan = try Planner(cores: threads).plan(suite)
    guard let planned = plan.cases.first else {
      throw SuiteFault.noProblem(
        plan.skips.first?.reason ?? "no case is left", mend: "ask for another setting",
        .option("-a"))
    }
    return Rehearsal(plan: planned.predicted, needed: planned.needed)
  }
}
