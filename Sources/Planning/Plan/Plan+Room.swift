package import Quantities
import Records

extension Plan {
  /// The cases that are predicted not to fit.
  package var misfits: [PlannedCase] { cases.filter { $0.misfit != nil } }

  /// The same plan without the cases that are predicted not to fit: they are skipped, with the reason.
  package var skippingMisfits: Plan {
    let skipped = cases.compactMap { planned in
      planned.misfit.map {
        Skip(case: planned.case, reason: "it is predicted not to fit: it \($0)")
      }
    }
    return with(cases: cases.filter { $0.misfit == nil }, skips: skips + skipped)
  }

  /// The most that cases take which live at one time, of those that fit.
  ///
  /// - Parameter cache: the last level's size: a cold case has copies of sixteen times that.
  package func mostNeeded(cache: Bytes) -> Bytes {
    units.map { unit in
      unit.filter { $0.misfit == nil }.map { planned in
        let peak = planned.predicted.peak
        return planned.cache == .cold ? peak + max(peak, cache * 16) : peak
      }.reduce(.zero, +)
    }.max() ?? .zero
  }
}
