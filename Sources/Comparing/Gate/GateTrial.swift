package import Statistics

/// Suites judged on simulated machines: how often the gate is wrong where the truth is known.
package struct GateTrial: Sendable {
  package var model: NoiseModel
  /// Head's true slow-down, of every case.
  package var slowdown = 0.0
  package var suites = 1000
  package var cases = 40
  package var isCoinFixed = false
  package var seed: UInt64 = 1
  package var rule = GateRule.standard
  package var tolerance = GateTolerance.standard

  package init(model: NoiseModel) { self.model = model }

  /// What the suites came to.
  package struct Tally: Codable, Sendable {
    package let model: NoiseModel
    package let slowdown: Double
    package let isCoinFixed: Bool
    package let suites: Int
    package let cases: Int
    /// Suites with at least one case that regressed.
    package let suitesRegressed: Int
    package let regressed: Int
    package let passed: Int
    package let improved: Int
    package let inconclusive: Int
    /// Mean over all cases.
    package let blocksPerCase: Double

    package var falseSuites: BinomialInterval {
      BinomialInterval(successes: suitesRegressed, of: suites)
    }
    package var detected: BinomialInterval { BinomialInterval(successes: regressed, of: cases) }
    package var wronglyPassed: BinomialInterval {
      BinomialInterval(successes: passed + improved, of: cases)
    }
  }

  /// The method on every kind of noise with nothing slower, once without its coin, and with slow-downs of
  /// 2 % to 10 %.
  package static func all(suites: Int, cases: Int, seed: UInt64, tolerance: GateTolerance)
    -> [GateTrial]
  {
    var trials = NoiseModel.allCases.map { GateTrial(model: $0) }
    var withoutCoin = GateTrial(model: .position)
    withoutCoin.isCoinFixed = true
    trials.append(withoutCoin)
    for (model, slowdowns) in [
      (NoiseModel.logNormal, [0.02, 0.03, 0.05, 0.07, 0.1]), (.heavyTails, [0.05, 0.1]),
    ] {
      for slowdown in slowdowns {
        var trial = GateTrial(model: model)
        trial.slowdown = slowdown
        trials.append(trial)
      }
    }
    return trials.map { given in
      var trial = given
      (trial.suites, trial.cases) = (suites, cases)
      (trial.seed, trial.tolerance) = (seed, tolerance)
      return trial
    }
  }

  package func run() -> Tally {
    var counts: [CaseVerdict: Int] = [:]
    var suitesRegressed = 0
    var blocks = 0
    for suite in 0..<suites {
      var machine = SimulatedMachine(
        model: model, seed: SplitMix64.scrambled(seed &* 0x1_0000_0000 &+ UInt64(suite)))
      let judges = judge(on: &machine).cases
      for judge in judges {
        counts[judge.state.verdict, default: 0] += 1
        blocks += judge.differences.count
      }
      if judges.contains(where: { $0.state == .regressed }) { suitesRegressed += 1 }
    }
    return Tally(
      model: model, slowdown: slowdown, isCoinFixed: isCoinFixed, suites: suites,
      cases: suites * cases, suitesRegressed: suitesRegressed,
      regressed: counts[.regressed] ?? 0, passed: counts[.pass] ?? 0,
      improved: counts[.improved] ?? 0, inconclusive: counts[.inconclusive] ?? 0,
      blocksPerCase: Double(blocks) / Double(suites * cases))
  }

  private func judge(on machine: inout SimulatedMachine) -> SuiteJudge {
    var judge = SuiteJudge(
      cases: (0..<cases).map { ("case \($0)", tolerance) }, hasNull: false, rule: rule)
    while true {
      let open = judge.open
      if open.isEmpty { return judge }
      for index in open {
        if judge.cases[index].fresh.count >= rule.confirmUsual {
          judge.close(index)
        } else {
          let block = machine.block(slowdown: slowdown, isCoinFixed: isCoinFixed)
          judge.take(block.difference, for: index)
        }
      }
    }
  }
}
