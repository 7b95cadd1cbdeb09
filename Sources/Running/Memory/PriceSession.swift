package import MemoryPlanning
package import Planning
package import Quantities
import Records
import SystemPackage

/// Measures what changes of a setting cost in time, on this machine.
package enum PriceSession {
  /// - Returns: prices by the words of changes; those that cannot be measured have none.
  /// - Throws: a fault of the setting, or of the machine.
  package static func run(
    _ setting: FitSetting, _ mends: [Mend], cpus: [Int], budget: Seconds,
    on progress: (_ done: Int, _ of: Int) -> Void
  ) async throws -> [String: MendPrice] {
    var options = MeasureOptions()
    try options.setOption(.budget, to: "\(budget.value)s")
    guard
      let prices = try PricePlan(setting, mends, threads: cpus.count, options: options)
    else { return [:] }
    let scratch = try ScratchFolder()
    let session = try await SweepSession.open(
      prices.plan,
      SweepSession.Options(output: scratch.path.appending("prices.jsonl").string, cpus: cpus))
    var records: [Record] = []
    try await session.run { event in
      switch event {
      case .started(_, let done, let total, _): progress(done, total)
      case .finished(let record): records.append(record)
      }
    }
    return prices.prices(records)
  }
}
