import Comparing
import OrderedCollections
import Quantities
import Records
import Testing

struct DiffTests {
  private func machine(cores: Int = 2) -> ResultMachine {
    .fingerprint(
      Machine(
        cpuModel: "A", cpuStepping: "1", visibleCores: cores, threadsPerCore: 1, caches: [],
        memoryClass: .gibibytes(8), operatingSystem: "x", kernelMinor: "6", instructionSets: []))
  }

  private func results(
    _ cases: [(String, [Double])], cores: Int = 2, counted: [String: Int] = [:]
  ) -> ResultSet {
    var set = ResultSet(tool: .headroom, machine: machine(cores: cores))
    for (name, seconds) in cases {
      var found = ResultCase()
      found.seconds = seconds
      for (figure, count) in counted { found.counted[figure] = [count] }
      set.results[ResultKey(name)] = found
    }
    return set
  }

  /// Eight processes within 0.7 % of each other.
  private func processes(_ level: Double) -> [Double] {
    (0..<8).map { level * (1 + 0.001 * Double($0)) }
  }

  private func noise(_ deviation: Double) -> Reading<SessionNoise> {
    .measured(SessionNoise(deviation: deviation, sessions: 20))
  }

  @Test(arguments: [
    (1.1, 0.005, DiffVerdict.slower), (0.9, 0.005, .faster), (1.001, 0.001, .same),
    (1.03, 0.001, .slower), (1.1, 0.1, .cannotTell), (1, 0.02, .cannotTell), (1, 0.01, .same),
  ])
  func `the word follows from shift and sessions' noise`(
    ratio: Double, deviation: Double, verdict: DiffVerdict
  ) throws {
    let diff = Diff(
      results([("a", processes(1))]), results([("a", processes(ratio))]), noise: noise(deviation))
    let cell = try #require(diff.cells.first)
    #expect(cell.verdict == verdict)
    #expect((cell.within != nil) == (verdict == .same))
  }

  /// With σ = 1 % and eight equal processes a side, h is 0 and the half-width √2 · 1.95996 · 1 %.
  @Test func `the interval is widened by the noise of two sessions`() throws {
    let same = Array(repeating: 1.0, count: 8)
    let diff = Diff(results([("a", same)]), results([("a", same)]), noise: noise(0.01))
    let change = try #require(diff.cells.first?.change)
    #expect(abs(try #require(change.high) - 0.028105) < 1e-6)
    #expect(abs(try #require(change.low) + 0.027337) < 1e-6)
  }

  @Test func `without calibration nothing is called slower`() throws {
    let diff = Diff(
      results([("a", processes(1))]), results([("a", processes(2))]),
      noise: .unavailable("not calibrated"))
    #expect(diff.cells.first?.verdict == .cannotTell)
    #expect(diff.cells.first?.reason == "advisory: not calibrated")
    #expect(diff.verdict == .inconclusive)
  }

  /// 2 / C(12, 6) · 23 is under 5 %, · 24 is not.
  @Test(arguments: [(23, 6, DiffVerdict.slower), (24, 6, .cannotTell), (24, 7, .slower)])
  func `as many cases as so few processes serve are told`(
    cases: Int, processes: Int, verdict: DiffVerdict
  ) {
    func side(_ level: Double) -> ResultSet {
      results((0..<cases).map { ("c\($0)", (0..<processes).map { level + 0.001 * Double($0) }) })
    }
    let diff = Diff(side(1), side(1.5), noise: noise(0.0001))
    #expect(diff.cells.allSatisfy { $0.verdict == verdict })
    #expect(diff.fewestProcesses == (cases == 23 ? 6 : 7))
    if verdict == .cannotTell {
      #expect(diff.cells[0].reason?.contains("24 cases need 7 processes a side") == true)
    }
  }

  @Test func `one process a side is advisory, however far apart`() {
    let diff = Diff(results([("a", [1])]), results([("a", [9])]), noise: noise(0.01))
    #expect(diff.cells.first?.verdict == .cannotTell)
    #expect(abs((diff.cells.first?.change?.median ?? 0) - 8) < 1e-9)
    #expect(diff.cells.first?.change?.low == nil)
  }

  @Test func `another machine's times are not compared, and its counts are`() throws {
    let diff = Diff(
      results([("a", processes(1))], counted: ["allocations": 3]),
      results([("a", processes(2))], cores: 4, counted: ["allocations": 4]),
      noise: noise(0.01))
    #expect(diff.verdict == .notComparable)
    #expect(diff.machineDifferences == ["cores 4, not 2"])
    let cell = try #require(diff.cells.first)
    #expect(cell.verdict == .notComparable)
    #expect(cell.change == nil)
    #expect(cell.changes == [ExactChange(metric: "allocations", base: 3, head: 4)])
  }

  @Test func `a count that grew fails, one that fell does not`() {
    func diff(_ base: Int, _ head: Int) -> Diff {
      Diff(
        results([("a", processes(1))], counted: ["weights bytes": base]),
        results([("a", processes(1))], counted: ["weights bytes": head]), noise: noise(0.001))
    }
    #expect(diff(64, 65).verdict == .regressed)
    #expect(diff(65, 64).verdict == .pass)
    #expect(diff(64, 64).verdict == .pass)
  }

  @Test func `a count that one build does not repeat is not compared`() throws {
    var base = results([("a", processes(1))])
    base.results[ResultKey("a")]?.counted = ["allocations": [3, 4]]
    let head = results([("a", processes(1))], counted: ["allocations": 5])
    let cell = try #require(Diff(base, head, noise: noise(0.001)).cells.first)
    #expect(cell.changes == [] && cell.unstable == ["allocations"])
  }

  @Test func `what only one side has is listed`() {
    let diff = Diff(
      results([("a", processes(1)), ("b", processes(1))]),
      results([("b", processes(1)), ("c", processes(1))]), noise: noise(0.001))
    #expect(diff.new == ["c"])
    #expect(diff.vanished == ["a"])
    #expect(diff.cells.map(\.name) == ["b"])
  }

  @Test func `a case that failed on a side makes it fail`() {
    var head = results([("a", [])])
    head.results[ResultKey("a")]?.failure = "crashed(SIGSEGV)"
    let diff = Diff(results([("a", processes(1))]), head, noise: noise(0.001))
    #expect(diff.verdict == .failed)
    #expect(diff.cells.first?.reason == "head: crashed(SIGSEGV)")
  }

  @Test func `two variants that best was resolved to are told`() {
    var (base, head) = (results([("a", processes(1))]), results([("a", processes(1))]))
    base.results[ResultKey("a")]?.variant = "avx2"
    head.results[ResultKey("a")]?.variant = "avx512"
    let diff = Diff(base, head, noise: noise(0.001))
    #expect(diff.cells.first?.reason == "avx512 ran, and avx2 in base")
  }

  @Test func `nothing in common is nothing judged`() {
    let diff = Diff(results([("a", [1])]), results([("b", [1])]), noise: noise(0.001))
    #expect(diff.verdict == .nothingJudged)
  }
}
