package import Comparing
import Quantities
import Records
import Statistics

/// What is known of a machine whose code stands still, for people.
package enum CalibrationDocument {
  package static func make(_ calibration: Calibration) -> Document {
    var document = Document("calibration") { try JSONText.encode(calibration, pretty: true) }
    switch calibration.sessionNoise {
    case .measured(let noise):
      document.say(
        "sessions: \(noise.sessions), which stray by \(percent(noise.deviation)) (standard "
          + "deviation of a session's time): diff widens its intervals by it")
    case .unavailable(let reason): document.say("sessions: \(reason)")
    }
    if calibration.relinks.isEmpty {
      document.say("relinks: none; measure them with --builds 20")
    }
    for relinks in calibration.relinks {
      document.say(
        "relinks of suite \(relinks.suite): \(relinks.builds) programs of the same objects moved "
          + "\(relinks.differences.count) cases by up to \(percent(relinks.floor)): gate tolerates no "
          + "less")
    }
    return document
  }
}
