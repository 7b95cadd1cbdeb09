import OrderedCollections
import Quantities
import Records
import Reporting
import Testing

/// What each memory saver costs, from records whose figures a reader can check by hand.
struct SaverTableTests {
  private func step(_ changes: KeyValuePairs<String, String> = [:]) -> Case {
    var axes: OrderedDictionary<String, AxisValue> = [
      "tokens": .number(256), "checkpointing": .word("none"), "loss": .word("whole"),
      "precision": .word("fp32"), "optimizer": .word("adamw"), "update": .word("separate"),
      "adapter": .word("none"), "base": .word("fp32"), "variant": .word("best"),
    ]
    for (axis, value) in changes { axes[axis] = .word(value) }
    return Case(workload: "training-step", axes: axes)
  }

  private func record(
    _ asked: Case, milliseconds: Double, activations: Int, losses: [Double]
  ) -> Record {
    var record = Fixture.record(
      asked, timing: Fixture.timing([Double](repeating: milliseconds / 1000, count: 16)))
    record.group = 1
    record.memory?.ledger = MemoryPlan([
      .forward: [.weights: .mebibytes(40), .activations: .mebibytes(activations)],
      .update: [.weights: .mebibytes(40), .gradients: .mebibytes(30)],
    ])
    record.training = Record.Training(
      losses: losses, gradientNorm: 1, modelFlops: 100, executedFlops: 120,
      keptBytes: .mebibytes(activations), phases: [.forward: [0.1, 0.3, 0.2]],
      withoutEffect: asked.axes["checkpointing"]?.text == "attention" ? ["it drops nothing"] : [])
    return record
  }

  private func text(_ records: [Record]) -> String {
    TerminalFormat.lines(SweepDocument.foot(of: Report(run: Fixture.run(records))))
      .joined(separator: "\n")
  }

  @Test func `a saver's row has ratios, the role that fell, and what binds now`() throws {
    let shown = text([
      record(step(), milliseconds: 100, activations: 60, losses: [5, 4, 3]),
      record(
        step(["checkpointing": "block"]), milliseconds: 125, activations: 20, losses: [5, 4.5]),
    ])
    #expect(shown.contains("What each memory saver costs here"))
    let row = try #require(shown.split(separator: "\n").first { $0.hasPrefix("block") })
    let words = row.split(separator: " ").map(String.init)
    // 100 MiB become 70, since gradients bind then: 30 MiB for 25 ms.
    #expect(words[1...2] == ["70.0", "MiB"])
    #expect(words.contains("0.70") && words.contains("activations") && words.contains("update"))
    #expect(words.contains("1.25") && words.contains("1.20"))
    // After as many steps as both have.
    #expect(words.last == "4.5000")
    #expect(shown.contains("after 2 steps"))
  }

  /// What is larger and slower than another row is not on the front, and neither is an equal in one and worse in
  /// the other; weights and gradients are 70 MiB of the update.
  @Test func `the front has what no other row beats`() throws {
    func row(_ word: String, _ milliseconds: Double, _ activations: Int) -> Record {
      record(
        step(["checkpointing": word]), milliseconds: milliseconds, activations: activations,
        losses: [5])
    }
    let shown = text([
      record(step(), milliseconds: 100, activations: 90, losses: [5]),
      row("pointwise", 110, 60), row("layers(2)", 120, 60), row("layers(3)", 130, 50),
      row("block", 125, 40), row("sqrt", 125, 30),
    ])
    let marked = shown.split(separator: "\n").filter { $0.contains(" • ") }.map {
      String($0.split(separator: " ")[0])
    }
    // By their peaks: none, pointwise and sqrt.
    #expect(marked == ["130", "100", "70.0"])
  }

  @Test func `without a case that saves nothing there is no table`() {
    let shown = text([
      record(
        step(["checkpointing": "block"]), milliseconds: 125, activations: 20, losses: [5])
    ])
    #expect(!shown.contains("What each memory saver costs here"))
  }

  @Test func `a setting without an effect says so`() {
    let shown = text([
      record(step(), milliseconds: 100, activations: 60, losses: [5]),
      record(
        step(["checkpointing": "attention"]), milliseconds: 100, activations: 60, losses: [5]),
    ])
    #expect(shown.contains("attention: it drops nothing"))
    #expect(shown.contains("nothing"))
  }

  @Test func `weights in 16 bits say which share of their updates was lost`() {
    var pure = record(
      step(["precision": "bf16-pure"]), milliseconds: 50, activations: 30, losses: [5])
    pure.training?.lostUpdates = 0.5625
    let shown = text([record(step(), milliseconds: 100, activations: 60, losses: [5]), pure])
    #expect(shown.contains("bf16-pure: 56 % of the updates of weights were lost to rounding"))
  }

  @Test func `the report's JSON has a training step's figures`() throws {
    let data = try JSONReport.data(
      Report(
        run: Fixture.run([record(step(), milliseconds: 100, activations: 60, losses: [5, 4])])))
    let json = String(decoding: data, as: UTF8.self)
    for part in [
      "\"model_flops\" : 100", "\"executed_flops\" : 120", "\"kept_bytes\" : 62914560",
      "\"binding_phase\" : \"forward\"", "\"gradient_norm\" : 1",
    ] {
      #expect(json.contains(part), "\(part)")
    }
  }
}
