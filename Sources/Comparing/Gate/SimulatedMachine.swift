import RealModule
import Statistics

/// The ways in which machines disturb a measurement.
package enum NoiseModel: String, CaseIterable, Codable, Sendable {
  /// Every turn strays by 1 %, every process by 0.3 %.
  case logNormal = "log-normal"
  /// Student's t with two degrees of freedom: no variance at all.
  case heavyTails = "t2-tails"
  /// Half of all processes run 6 % slower from their start to their end.
  case bimodal
  /// The whole machine wanders: an AR(1) process of 0.98, 1 % a step.
  case drift
  /// Who is first in a block is 6 % faster.
  case position
  /// A neighbour slows stretches of a mean length of 8 turns by 30 %, a third of the time.
  case bursts
}

/// Turns of two builds on a machine that misbehaves in one of these ways, from a seed.
struct SimulatedMachine {
  let model: NoiseModel
  private var random: SplitMix64
  private var wander = 0.0
  private var isBusy = false

  init(model: NoiseModel, seed: UInt64) {
    self.model = model
    random = SplitMix64(seed: seed)
  }

  /// A block of four turns, head being slower by `slowdown`.
  ///
  /// - Parameter isCoinFixed: base first, then head, a turn each, as two builds are compared by hand:
  ///   what the coin and its mirrored turns are there to prevent.
  mutating func block(slowdown: Double, isCoinFixed: Bool = false) -> PairedBlock {
    let isHeadFirst = isCoinFixed ? false : random.next() & 1 == 1
    let process = [processNoise(), processNoise()]
    var seconds: [[Double]] = [[], []]
    let order = isCoinFixed ? [0, 1] : isHeadFirst ? [1, 0, 0, 1] : [0, 1, 1, 0]
    for (position, side) in order.enumerated() {
      let noise = process[side] + turnNoise(position: position)
      seconds[side].append(.exp(noise) * (side == 1 ? 1 + slowdown : 1))
    }
    return PairedBlock(base: seconds[0], head: seconds[1])
  }

  private mutating func processNoise() -> Double {
    switch model {
    case .bimodal: random.next() & 1 == 1 ? .log(onePlus: 0.06) : 0
    default: 0.003 * normal()
    }
  }

  private mutating func turnNoise(position: Int) -> Double {
    switch model {
    case .logNormal: return 0.01 * normal()
    case .heavyTails: return 0.003 * normal() / .sqrt(-.log(1 - uniform()))
    case .bimodal: return 0.003 * normal()
    case .drift:
      wander = 0.98 * wander + 0.01 * normal()
      return wander + 0.003 * normal()
    case .position: return 0.003 * normal() + (position == 0 ? .log(onePlus: -0.06) : 0)
    case .bursts:
      isBusy = isBusy ? uniform() > 1.0 / 8 : uniform() < 1.0 / 16
      return 0.003 * normal() + (isBusy ? .log(onePlus: 0.3) : 0)
    }
  }

  private mutating func uniform() -> Double { Double(random.next() >> 11) * 0x1p-53 }

  /// - Source: Box and Muller, "A note on the generation of random normal deviates" (1958).
  private mutating func normal() -> Double {
    .sqrt(-2 * .log(1 - uniform())) * .cos(2 * .pi * uniform())
  }
}
