package import Quantities
import RealModule

/// What the gate's errors may cost, fixed before anything is measured.
package struct GateRule: Hashable, Codable, Sendable {
  /// The most often that any case of a suite may fail without having slowed by `tolerated`.
  package var falseAlarm = 0.01
  /// The most often that a case may pass though it slowed by `detected`.
  package var missed = 0.01
  /// The part of `falseAlarm` that is kept for cases which the screen left open without having looked
  /// slower, where others did look so. What is left, 0.98 %, still fails one case for 9 blocks of 9.
  package static let openShare = 0.02
  /// The most often that any case of a suite may be called improved without being so.
  package var falseImprovement = 0.05
  /// Blocks of the screen before which nothing is decided, and after which nothing stays open.
  package var screenLeast = 8
  package var screenMost = 16
  /// Blocks of the confirmation, and as far as it goes where there is time: within a limit that was
  /// given, else before `usualTime` is over.
  package var confirmUsual = 48
  package var confirmMost = 96
  package static let usualTime = Seconds(300)
  /// Evidence at which a case is looked at again, with fresh blocks.
  package var suspicion = 4.0

  package init() {}
  package static let standard = GateRule()
}

/// How much slower a case may become.
package struct GateTolerance: Hashable, Codable, Sendable {
  /// Slow-downs up to this one are no regression: 0.02 is 2 %.
  package let tolerated: Double
  /// Slow-downs from this one on must not pass.
  package let detected: Double

  package static let standard = GateTolerance(tolerated: 0.02, detected: 0.05)

  /// From what was given; what is left out stays at least 3 % above what is tolerated.
  package init?(tolerated: Double?, detected: Double?) {
    let low = tolerated ?? Self.standard.tolerated
    let high = detected ?? max(Self.standard.detected, low + 0.03)
    guard low < high else { return nil }
    self.init(tolerated: low, detected: high)
  }

  /// A threshold at the effect that is to be seen has a power of one half, so there are two.
  package init(tolerated: Double, detected: Double) {
    precondition(0 < tolerated && tolerated < detected, "what must be seen exceeds what may be")
    self.tolerated = tolerated
    self.detected = detected
  }

  /// The same, where relinking alone moves times by up to `floor`: both ends make room for it.
  package func raised(by floor: Double) -> GateTolerance {
    guard floor > tolerated else { return self }
    return GateTolerance(tolerated: floor, detected: max(detected, floor + 0.03))
  }

  /// As differences of logarithms.
  var low: Double { .log(onePlus: tolerated) }
  var high: Double { .log(onePlus: detected) }
}
