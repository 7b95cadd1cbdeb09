package import Comparing
import Quantities
import Statistics

/// What is known of a machine whose code stands still, in 80 columns.
package struct CalibrationTable {
  private let calibration: Calibration

  package init(_ calibration: Calibration) { self.calibration = calibration }

  package var lines: [String] {
    var lines: [String] = []
    switch calibration.sessionNoise {
    case .measured(let noise):
      lines +=
        ("sessions: \(noise.sessions), which stray by \(percent(noise.deviation)) (standard "
        + "deviation of a session's time): diff widens its intervals by it").wrapped(80)
    case .unavailable(let reason): lines += "sessions: \(reason)".wrapped(80)
    }
    if calibration.relinks.isEmpty {
      lines += "relinks: none; measure them with --builds 20".wrapped(80)
    }
    for relinks in calibration.relinks {
      lines +=
        ("relinks of suite \(relinks.suite): \(relinks.builds) programs of the same objects moved "
        + "\(relinks.differences.count) cases by up to \(percent(relinks.floor)): gate tolerates no "
        + "less").wrapped(80)
    }
    return lines
  }
}
