package import Quantities
import RealModule

/// What the gate's errors may cost, fixed before anything is measured.
package struct GateRule: Hashable, Codable, Sendable {
  /// The maximum probability that any case of a suite fails without having slowed by `tolerated`.
  package var falseAlarm = 0.01
  /// The maximum probability that a case passes though it slowed by `detected`.
  package var missed = 0.01
  /// The part of `falseAlarm` that is kept for cases which the screen left open without having looked
  /// slower, where others did look so. What is left, 0.98 %, still fails one case for 9 blocks of 9.
  package static let openShare = 0.02
  /// The maximum probability that any case of a suite is called improved without being so.
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

  /// A stored rule is a claim on errors, and must be one that can be.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func share(_ key: CodingKeys) throws -> Double {
      let value = try container.decode(Double.self, forKey: key)
      guard value > 0, value <= 0.5 else {
        throw container.wrong(key, "no probability of an error")
      }
      return value
    }
    func blocks(_ key: CodingKeys, from least: Int) throws -> Int {
      let value = try container.decode(Int.self, forKey: key)
      guard (least...10_000).contains(value) else {
        throw container.wrong(key, "no count of blocks")
      }
      return value
    }
    falseAlarm = try share(.falseAlarm)
    missed = try share(.missed)
    falseImprovement = try share(.falseImprovement)
    screenLeast = try blocks(.screenLeast, from: 1)
    screenMost = try blocks(.screenMost, from: screenLeast)
    confirmUsual = try blocks(.confirmUsual, from: 1)
    confirmMost = try blocks(.confirmMost, from: confirmUsual)
    suspicion = try container.decode(Double.self, forKey: .suspicion)
    guard (1...1e9).contains(suspicion) else { throw container.wrong(.suspicion, "no evidence") }
  }
}

extension KeyedDecodingContainer {
  fileprivate func wrong(_ key: Key, _ why: String) -> DecodingError {
    .dataCorruptedError(forKey: key, in: self, debugDescription: why)
  }
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

  /// A stored one must be one that an option could have given.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    tolerated = try container.decode(Double.self, forKey: .tolerated)
    detected = try container.decode(Double.self, forKey: .detected)
    guard tolerated > 0, tolerated < detected, detected <= Self.maximum else {
      throw container.wrong(.detected, "what must be seen exceeds what may be")
    }
  }

  /// Eleven times as long: further no tolerance goes.
  private static let maximum = 10.0

  /// The same, where relinking alone moves times by up to `floor`: both ends make room for it.
  package func raised(by floor: Double) -> GateTolerance {
    guard floor > tolerated else { return self }
    return GateTolerance(tolerated: floor, detected: max(detected, floor + 0.03))
  }

  /// As differences of logarithms.
  var low: Double { .log(onePlus: tolerated) }
  var high: Double { .log(onePlus: detected) }
}
