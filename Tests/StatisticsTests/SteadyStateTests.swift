import Statistics
import Testing

@Suite struct SteadyStateTests {
  private func verdict(of windows: [Double], limit: Int = 8) -> SteadyState.Verdict {
    var state = SteadyState(limit: limit)
    for window in windows { state.append(window) }
    return state.verdict
  }

  /// By hand from the rule, each by its last window.
  @Test(arguments: [
    // Three windows say nothing.
    ([1, 1, 1], SteadyState.Verdict.warming),
    ([1, 1, 1, 1], .steady(cut: 3)),
    // 1.02 is within 2 % of 1, and 1.03 is not.
    ([1, 1, 1, 1.0199], .steady(cut: 3)),
    ([1, 1, 1, 1.03], .warming),
    ([1, 1, 1, 0.97], .warming),
    // The median of 5, 1, 1 is 1: one slow window at first does not matter.
    ([5, 1, 1, 1], .steady(cut: 3)),
    // The median of 5, 3, 2 is 3, and that of 3, 2, 2 is 2.
    ([9, 5, 3, 2, 2], .warming),
    ([9, 5, 3, 2, 2, 2], .steady(cut: 5)),
    // Near enough, but still falling.
    ([1, 0.999, 0.998, 0.997], .warming),
    ([1, 0.999, 0.998, 0.997, 0.9971], .steady(cut: 4)),
    // A slow rise is no warm-up.
    ([1, 1.001, 1.002, 1.003], .steady(cut: 3)),
  ])
  func `the last window is held against the three before it`(
    windows: [Double], expected: SteadyState.Verdict
  ) {
    #expect(verdict(of: windows) == expected)
  }

  @Test func `at the limit it gives up and all windows are warm-up`() {
    var state = SteadyState(limit: 5)
    for window in [1.0, 2, 1, 2, 4] { state.append(window) }
    #expect(state.verdict == .gaveUp(cut: 5))
    #expect(state.cut == 5)
    #expect(!state.steady)
  }

  @Test func `a window that is steady at the limit is steady`() {
    #expect(verdict(of: [9, 5, 2, 2, 2], limit: 5) == .steady(cut: 4))
  }

  @Test func `the first verdict stands`() {
    var state = SteadyState(limit: 8)
    for window in [1.0, 1, 1, 1, 50, 50] { state.append(window) }
    #expect(state.verdict == .steady(cut: 3))
    #expect(state.windows == [1, 1, 1, 1])
  }

  @Test func `the tolerance is the caller's to widen`() {
    var state = SteadyState(tolerance: 0.5, limit: 8)
    for window in [1.0, 1, 1, 1.4] { state.append(window) }
    #expect(state.steady)
    #expect(state.cut == 3)
  }
}
