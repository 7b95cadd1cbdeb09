import Foundation
import Quantities
import Records
import Reporting
import Testing

/// What was live over a case's time, as a chart.
@Suite struct TimelineSectionTests {
  private func document(_ timeline: [Record.TimelinePoint]) -> [String] {
    var document = Document("t") { Data() }
    for element in TimelineSection.elements(of: timeline, level: 2) { document.add(element) }
    return TerminalFormat.lines(document)
  }

  private let brief: [Record.TimelinePoint] = [
    .init(seconds: 0, phase: .operands, live: [.weights: .mebibytes(6)]),
    .init(seconds: 0.5, phase: .forward, mark: "layer 1", live: [.weights: .mebibytes(12)]),
    .init(
      seconds: 1.25, phase: .backward,
      live: [.weights: .mebibytes(12), .gradients: .mebibytes(12)]),
  ]

  @Test func `a line tells when, what begins, how much, and a bar of it`() {
    let lines = document(brief)
    #expect(lines.contains { $0.contains("What was live, over the time") })
    let last = lines.last { $0.contains("backward") } ?? ""
    #expect(last.contains("1.25 s") && last.contains("24.0 MiB"))
    #expect(last.contains(String(repeating: "█", count: 24)))
    let middle = lines.first { $0.contains("layer 1") } ?? ""
    #expect(middle.hasSuffix(String(repeating: "█", count: 12)))
    #expect(lines.map(\.count).max() ?? 0 <= 80)
  }

  @Test func `without points there is nothing`() {
    #expect(TimelineSection.elements(of: [], level: 2).isEmpty)
  }

  @Test func `a long one has twenty lines, each phase's begin and the highest among them`() {
    let phases = MemoryPhase.allCases
    let long = (0..<63).map { number in
      Record.TimelinePoint(
        seconds: Double(number), phase: phases[number / 7],
        live: [.activations: .mebibytes(number == 31 ? 500 : 100 + number)])
    }
    let lines = document(long).filter { $0.contains(" MiB ") }
    #expect(lines.count == 20)
    #expect(lines.contains { $0.contains("500 MiB") })
    for phase in phases {
      #expect(lines.contains { $0.contains(phase.rawValue) }, "\(phase)")
    }
  }

  @Test func `scripts read all of it`() throws {
    var record = Fixture.record()
    record.timeline = brief
    let data = try JSONReport.data(
      Fixture.report(of: [try #require(CaseReport(records: [record]))]))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let one = try #require((json["cases"] as? [[String: Any]])?.first)
    let points = try #require(one["timeline"] as? [[String: Any]])
    #expect(points.map { $0["seconds"] as? Double } == [0, 0.5, 1.25])
    #expect(points[1]["mark"] as? String == "layer 1")
    #expect(points[2]["live"] as? [String: Int] == ["weights": 12 << 20, "gradients": 12 << 20])
  }
}
