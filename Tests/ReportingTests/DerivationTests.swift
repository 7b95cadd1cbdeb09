import Quantities
import Records
import Reporting
import Testing

@Suite struct DerivationTests {
  /// 1000 flops and 500 bytes in 2 ms.
  @Test func `throughput is work over the median`() throws {
    let report = try #require(Fixture.report(Fixture.record()))
    #expect(near(report.latency.value?.median.value, 2e-3))
    #expect(near(report.throughput.value?.flopsPerSecond, 5e5))
    #expect(near(report.throughput.value?.bytesPerSecond, 2.5e5))
    #expect(report.throughput.value?.tokensPerSecond.reason == "the workload has no tokens")
  }

  /// Compute takes 1 ms, memory 0.4 + 0.2 ms: compute binds, and 2 ms are twice the floor.
  @Test func `without probes the share is taken against the machine's own ceilings`() throws {
    let ceiling = try #require(Fixture.report(Fixture.record())?.ceiling.value)
    #expect(ceiling.bound == .compute)
    #expect(ceiling.binding == "fma")
    #expect(ceiling.value == 1e6)
    #expect(ceiling.intensity == 2)
    #expect(near(ceiling.share, 0.5))
  }

  /// Brackets are 1e6, 0.75e6 and 0.5e6, floors 1, 4/3 and 2 ms; over blocks of 2, 2 and 5 ms the
  /// shares are 1/2, 2/3 and 2/5.
  @Test func `each block is held against the two probes that bracket it`() throws {
    let timing = Fixture.timing([2e-3, 2e-3, 5e-3], probes: [1e6, 1e6, 0.5e6, 0.5e6])
    let report = try #require(Fixture.report(Fixture.record(timing: timing)))
    #expect(near(report.ceiling.value?.share, 0.5))
    #expect(near(report.ceiling.value?.value, 0.75e6))
  }

  /// Probes read at half the ceiling's speed, so filling counts as half as fast too: 0.8 + 0.4 ms
  /// beat 1 ms of compute, and 500 bytes in 1.2 ms are 416 667 B/s. Of 2.4 ms that is half.
  @Test func `a bandwidth probe moves reading and filling alike`() throws {
    let timing = Fixture.timing([2.4e-3, 2.4e-3], probes: [1e6, 1e6, 1e6], bandwidth: 5e5)
    let ceiling = try #require(
      Fixture.report(Fixture.record(timing: timing))?.ceiling.value)
    #expect(ceiling.bound == .memory)
    #expect(ceiling.binding == "DRAM")
    #expect(near(ceiling.value, 500 / 1.2e-3))
    #expect(near(ceiling.share, 0.5))
  }

  /// (1 − 0.8) ÷ 1 is above the bound of 0.15, (1 − 0.9) ÷ 1 is not.
  @Test(arguments: [(0.8e6, true), (0.9e6, false)])
  func `a machine that moved by more than the bound makes a row unsteady`(
    slowest: Double, moved: Bool
  ) throws {
    let timing = Fixture.timing([2e-3, 2e-3], probes: [1e6, slowest, 1e6])
    let report = try #require(Fixture.report(Fixture.record(timing: timing)))
    #expect(report.clock.value?.moved == moved)
    #expect(report.marks.contains(.unsteady) == moved)
  }

  @Test func `warm-up that never settled makes a row unsteady`() throws {
    let record = Fixture.record(timing: Fixture.timing([2e-3], steady: false))
    #expect(try #require(Fixture.report(record)).marks.contains(.unsteady))
  }

  /// Six runs of one block each: the median of 1...6 ms is 3.5 ms, [1, 6] its interval.
  @Test func `processes of one case are taken together`() throws {
    let records = (1...6).map { run in
      Fixture.record(run: run - 1, timing: Fixture.timing([Double(run) * 1e-3]))
    }
    let report = try #require(Report(run: Fixture.run(records.reversed())).cases.first)
    let latency = try #require(report.latency.value)
    #expect(near(latency.median.value, 3.5e-3))
    #expect(near(latency.interval.value?.low.value, 1e-3))
    #expect(near(latency.interval.value?.high.value, 6e-3))
    #expect(latency.scope == .betweenRuns)
    #expect(latency.runs == 6)
    #expect(latency.warmUp == 24)
  }

  @Test func `the worst outcome of its processes is the case's`() throws {
    let killed = Outcome.outOfMemory(.limit, reason: "hit 1 GiB")
    let records = [
      Fixture.record(), Fixture.record(run: 1, outcome: .timedOut(reason: "60 s")),
      Fixture.record(run: 2, outcome: killed),
    ]
    #expect(CaseReport(records: records)?.outcome == killed)
  }

  @Test func `figures of a case that was not timed say why they are missing`() throws {
    let record = Fixture.record(outcome: .skipped(reason: "no bf16 here"))
    let report = try #require(Fixture.report(record))
    #expect(report.latency.reason == "no timing: skipped")
    #expect(report.memory.peak.reason == "no memory account: skipped")
    #expect(report.marks.isEmpty)
  }

  /// 64 + 1 + 3 MiB live in the run phase, 65 in the one before.
  @Test func `memory is the maximum over phases`() throws {
    let memory = try #require(Fixture.report(Fixture.record())).memory
    #expect(memory.peak == .measured(.mebibytes(68)))
    #expect(memory.residentPeak == .measured(.mebibytes(90)))
    #expect(memory.strayed == false)
  }

  @Test func `a peak that was not predicted is marked`() throws {
    let record = Fixture.record(predicted: .mebibytes(60))
    #expect(try #require(Fixture.report(record)).marks == [.strayed])
  }

  /// Beside blocks of 2 ms the probes say that 1 ms of work takes 4: the machine was busy with them.
  @Test func `a ceiling far below what the case reached is none`() throws {
    let timing = Fixture.timing([2e-3, 2e-3], probes: [0.25e6, 0.25e6, 0.25e6])
    let report = try #require(Fixture.report(Fixture.record(timing: timing)))
    #expect(
      report.ceiling.reason
        == "the case was 2.0 times as fast as the ceiling that was measured beside it")
  }

  @Test func `a ceiling that was not measured leaves no share`() throws {
    var record = Fixture.record()
    record.timing?.ceiling?.fillPerSecond = 0
    let report = try #require(Fixture.report(record))
    #expect(report.ceiling.reason == "a ceiling of this machine was not measured")
  }
}
