import OrderedCollections
import Quantities
import Records
import Reporting
import Testing

/// What each memory saver costs, from records whose figures a reader can check by hand.
struct SaverTableTests {
  private func text(_ records: [Record]) -> String {
    TerminalFormat.lines(SweepDocument.foot(of: Report(run: Fixture.run(records))))
      .joined(separator: "\n")
  }

  @Test func `a saver's row has ratios, the role that fell, and what binds now`() throws {
    let shown = text([
      Fixture.trained(Fixture.step(), milliseconds: 100, activations: 60, losses: [5, 4, 3]),
      Fixture.trained(
        Fixture.step(["checkpointing": "block"]), milliseconds: 125, activations: 20,
        losses: [5, 4.5]),
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
      Fixture.trained(
        Fixture.step(["checkpointing": word]), milliseconds: milliseconds, activations: activations,
        losses: [5])
    }
    let shown = text([
      Fixture.trained(Fixture.step(), milliseconds: 100, activations: 90, losses: [5]),
      row("pointwise", 110, 60), row("layers(2)", 120, 60), row("layers(3)", 130, 50),
      row("block", 125, 40), row("sqrt", 125, 30),
    ])
    let marked = shown.split(separator: "\n").filter { $0.contains(" • ") }.map {
      String($0.split(separator: " ")[0])
    }
    // By their peaks: none, pointwise and sqrt.
    #expect(marked == ["130", "100", "70.0"])
  }

  /// The words of each row of the table.
  private func rows(_ records: [Record]) -> [[String]] {
    let lines = text(records).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    return lines.filter { $0.count > 5 && $0.contains("MiB") }
  }

  /// Each row's mebibytes: a label may stand in a line of its own.
  private func peaks(_ records: [Record]) -> [String] {
    rows(records).compactMap { row in row.firstIndex(of: "MiB").map { row[$0 - 1] } }
  }

  /// The labels of the rows that a mark stands in, in the table's order.
  private func front(_ records: [Record]) -> [String] {
    rows(records).filter { $0.contains("•") }.map { $0[0] }
  }

  @Test func `a step without a saver leaves the front where a saver costs nothing`() {
    let records = [
      Fixture.saved("none", milliseconds: 100, activations: 60),
      Fixture.saved("block", milliseconds: 100, activations: 50),
    ]
    #expect(front(records) == ["block"])
  }

  @Test func `rows that take the same are on the front together`() {
    let records = [
      Fixture.saved("none", milliseconds: 100, activations: 60),
      Fixture.saved("block", milliseconds: 120, activations: 40),
      Fixture.saved("sqrt", milliseconds: 120, activations: 40),
    ]
    #expect(front(records) == ["none", "block", "sqrt"])
  }

  @Test func `a row without a time is not on the front, and shuts out no other`() throws {
    var untimed = Fixture.saved("sqrt", milliseconds: 1, activations: 35)
    untimed.timing = nil
    let records = [
      Fixture.saved("none", milliseconds: 100, activations: 60),
      Fixture.saved("block", milliseconds: 120, activations: 40), untimed,
    ]
    #expect(front(records) == ["none", "block"])
    let row = try #require(rows(records).first { $0[0] == "sqrt" })
    // Its ratio, and what is saved for a millisecond: it is not free.
    #expect(row.filter { $0 == "–" }.count == 2)
    #expect(!row.contains("free"))
  }

  @Test func `rows that differ in checkpointing alone stand from most memory to least`() {
    let curve = [
      Fixture.saved("none", milliseconds: 100, activations: 60),
      Fixture.saved("sqrt", milliseconds: 130, activations: 35),
      Fixture.saved("pointwise", milliseconds: 110, activations: 50),
    ]
    #expect(peaks(curve) == ["100", "90.0", "75.0"])
    let stacked = Fixture.trained(
      Fixture.step(["checkpointing": "block", "loss": "tokens(8)"]), milliseconds: 120,
      activations: 45)
    // Else in the plan's order.
    #expect(peaks(curve + [stacked]) == ["100", "75.0", "90.0", "85.0"])
  }

  @Test func `without a case that saves nothing there is no table`() {
    let shown = text([
      Fixture.trained(
        Fixture.step(["checkpointing": "block"]), milliseconds: 125, activations: 20, losses: [5])
    ])
    #expect(!shown.contains("What each memory saver costs here"))
  }

  @Test func `a setting without an effect says so`() {
    let shown = text([
      Fixture.trained(Fixture.step(), milliseconds: 100, activations: 60, losses: [5]),
      Fixture.trained(
        Fixture.step(["checkpointing": "attention"]), milliseconds: 100, activations: 60,
        losses: [5]),
    ])
    #expect(shown.contains("attention: it drops nothing"))
    #expect(shown.contains("nothing"))
  }

  @Test func `weights in 16 bits say which share of their updates was lost`() {
    var pure = Fixture.trained(
      Fixture.step(["precision": "bf16-pure"]), milliseconds: 50, activations: 30, losses: [5])
    pure.training?.lostUpdates = 0.5625
    let shown = text([
      Fixture.trained(Fixture.step(), milliseconds: 100, activations: 60, losses: [5]), pure,
    ])
    #expect(shown.contains("bf16-pure: 56 % of the updates of weights were lost to rounding"))
  }

  @Test func `each of several tables says what tells it from the others`() {
    func pair(_ attention: String) -> [Record] {
      [
        Fixture.trained(
          Fixture.step(["attention": attention]), milliseconds: 100, activations: 60),
        Fixture.trained(
          Fixture.step(["attention": attention, "checkpointing": "block"]), milliseconds: 120,
          activations: 40),
      ]
    }
    #expect(!text(pair("naive")).contains("attention=naive"))
    let both = text(pair("tiled") + pair("naive"))
    #expect(both.contains("costs here\nattention=tiled\n"))
    #expect(both.contains("costs here\nattention=naive\n"))
  }

  // MARK: What others published

  private static let claims = [
    PublishedClaim(saver: "tokens(8)+block", memory: 0.5, time: 1.3, source: "a guide"),
    PublishedClaim(saver: "block+tokens(8)", memory: nil, time: 1.1, source: "another"),
    PublishedClaim(saver: "block", memory: 0.25, time: 1.4, source: "of one that was not run"),
  ]

  /// 100 MiB and 100 ms become 80 and 120.
  private var claimed: Run {
    Fixture.run(
      [
        Fixture.saved("none", milliseconds: 100, activations: 60),
        Fixture.trained(
          Fixture.step(["checkpointing": "block", "loss": "tokens(8)"]), milliseconds: 120,
          activations: 40),
      ], claims: Self.claims)
  }

  @Test func `what others published stands beside what it comes to here`() throws {
    let shown = TerminalFormat.lines(SweepDocument.foot(of: Report(run: claimed)))
    let title = try #require(shown.firstIndex { $0.contains("published") })
    let table = shown[(title + 1)...(title + 4)].map { $0.split(separator: " ").map(String.init) }
    #expect(
      table == [
        ["block+tokens(8)", "0.50", "0.80", "1.30", "1.20"], ["a", "guide"],
        ["block+tokens(8)", "–", "0.80", "1.10", "1.20"], ["another"],
      ])
    #expect(!shown.joined().contains("of one that was not run"))
    #expect(shown.allSatisfy { $0.count <= 80 })
  }

  @Test func `a page has what others published in the saver's row`() throws {
    let page = try MarkdownFormat.text(SweepDocument.make(Report(run: claimed)))
    #expect(page.contains("| 0.50, 1.30 (a guide); –, 1.10 (another) |"))
    #expect(!page.contains("of one that was not run"))
  }

  @Test func `without claims a terminal has no word of what others published`() {
    #expect(!text(claimed.records).contains("published"))
  }

  @Test func `claims of several runs are told once each`() {
    let report = Report(runs: [Fixture.run(claimed.records), claimed, claimed])
    #expect(report.claims == Self.claims)
  }

  @Test func `the report's JSON has a training step's figures`() throws {
    let data = try JSONReport.data(
      Report(
        run: Fixture.run([
          Fixture.trained(Fixture.step(), milliseconds: 100, activations: 60, losses: [5, 4])
        ])))
    let json = String(decoding: data, as: UTF8.self)
    for part in [
      "\"model_flops\" : 100", "\"executed_flops\" : 120", "\"kept_bytes\" : 62914560",
      "\"binding_phase\" : \"forward\"", "\"gradient_norm\" : 1",
    ] {
      #expect(json.contains(part), "\(part)")
    }
  }
}
