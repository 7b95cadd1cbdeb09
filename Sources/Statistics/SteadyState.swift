/// The rule that says when warm-up is over, fed with one median per window of time.
///
/// A window is the first steady one when there are three before it and
/// - its median is within `tolerance` of the median of those three, and
/// - the four do not fall strictly one after the other: a slow fall passes the first test, and
///   clocks, caches and branch predictors all warm up downwards.
///
/// Where no window passes, the rule gives up after `limit` of them. Noise alone puts
/// four windows in falling order once in 24, which costs a window or so.
package struct SteadyState: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    case warming
    /// `cut` is the window that passed; those before it vouch for it but may hold warm-up.
    case steady(cut: Int)
    /// All windows are warm-up and `cut` is their number; what follows may be unsteady.
    case gaveUp(cut: Int)
  }

  /// The passing window and the three before it.
  package static let fewest = 4

  package let tolerance: Double
  package let limit: Int
  /// The medians so far; none is added once the verdict is reached.
  package private(set) var windows: [Double] = []
  package private(set) var verdict = Verdict.warming

  /// - Parameters:
  ///   - tolerance: 2 % is a choice, wider than the 1 % that suites ask of an interval.
  ///   - limit: at most so many windows; the caller knows how long one is.
  package init(tolerance: Double = 0.02, limit: Int) {
    precondition(tolerance > 0, "a tolerance is above 0")
    precondition(limit >= Self.fewest, "the rule needs 4 windows")
    self.tolerance = tolerance
    self.limit = limit
  }

  /// Judges the next window. The first verdict stands: later windows change nothing.
  package mutating func append(_ windowMedian: Double) {
    precondition(windowMedian.isFinite, "a window's median is finite")
    guard verdict == .warming else { return }
    windows.append(windowMedian)
    if lastIsSteady {
      verdict = .steady(cut: windows.count - 1)
    } else if windows.count == limit {
      verdict = .gaveUp(cut: limit)
    }
  }

  /// Nothing while warming.
  package var cut: Int? {
    switch verdict {
    case .warming: nil
    case .steady(let cut), .gaveUp(let cut): cut
    }
  }

  package var steady: Bool {
    if case .steady = verdict { true } else { false }
  }

  private var lastIsSteady: Bool {
    guard windows.count >= Self.fewest else { return false }
    let four = Array(windows.suffix(Self.fewest))
    let reference = Sample(finite: Array(four.dropLast())).median
    let near = (four[3] - reference).magnitude <= tolerance * reference.magnitude
    let falling = zip(four, four.dropFirst()).allSatisfy { $0 > $1 }
    return near && !falling
  }
}
