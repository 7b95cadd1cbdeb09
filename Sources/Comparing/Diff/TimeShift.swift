import RealModule
import Statistics

/// How much slower head's processes were than base's, in another session: by ranks, and widened by
/// what sessions alone differ by.
///
///     low  = c − √((c − l)² + 2 · (z · σ)²),   high likewise
///
/// where [l, c, h] is the interval of ranks on logarithms and σ what one session strays by.
struct TimeShift {
  private let shift: RankShift
  /// σ; 0 where it is not known.
  private let deviation: Double

  init?(base: [Double], head: [Double], noise: SessionNoise?) {
    guard let base = try? Sample(base.map { .log($0) }),
      let head = try? Sample(head.map { .log($0) })
    else { return nil }
    shift = RankShift(from: base, to: head)
    deviation = noise?.deviation ?? 0
  }

  /// As a difference of logarithms.
  var center: Double { shift.center }

  func interval(risk: Double) -> (low: Double, high: Double)? {
    guard let exact = shift.interval(risk: risk) else { return nil }
    guard deviation > 0 else { return exact }
    let reach = 2 * square(Normal.quantile(beyond: risk / 2) * deviation)
    return (
      center - .sqrt(square(center - exact.low) + reach),
      center + .sqrt(square(exact.high - center) + reach)
    )
  }

  /// The least risk at which the interval has 0 outside: the probability of a shift so far from 0
  /// where there is none.
  var probability: Double {
    func excludes(_ risk: Double) -> Bool {
      guard let interval = interval(risk: risk) else { return false }
      return interval.low > 0 || interval.high < 0
    }
    // On a scale of logarithms: what is sought may be tiny.
    var (low, high) = (-34.0, 0.0)
    guard excludes(.exp(-1e-9)) else { return 1 }
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if excludes(.exp(middle)) { high = middle } else { low = middle }
    }
    return .exp(high)
  }

  private func square(_ value: Double) -> Double { value * value }
}
