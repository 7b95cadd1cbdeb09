import Foundation
package import MemoryPlanning
package import Planning
import Quantities
import Records
import Workloads

/// What a setting takes, whether it fits, and what to change: for people and for scripts.
package enum FitDocument {
  /// - Parameter whyNot: what a change would come to that somebody asks for.
  package static func make(_ report: FitReport, whyNot: WhyNot? = nil) -> Document {
    var document = Document("fit") { try JSONText.encode(FitJSON(report), pretty: true) }
    document.say(verdict(report), tone(report), for: .everyone)
    if let process = report.process {
      document.say(
        "Its process takes \(process.low) to \(process.high) of the device, likely "
          + "\(process.best): the allocator keeps more than what lives, and CUDA's context is there "
          + "besides.")
    } else if report.answer.low.description != report.answer.high.description {
      document.say(interval(report.answer))
    }
    phases(report, &document)
    roles(report.answer, &document)
    terms(report.answer, &document)
    largest(report, &document)
    if let whyNot { document.say(whyNot.words, .strong) }
    mends(report, &document)
    return document
  }

  /// What follows the reason why a case failed.
  static func addBody(_ report: FitReport, to document: inout Document) {
    document.say(verdict(report), tone(report))
    phases(report, &document)
    largest(report, &document)
    mends(report, &document)
  }

  // MARK: The answer

  private static func verdict(_ report: FitReport) -> String {
    let answer = report.answer
    let most = answer.isExact ? "\(answer.best)" : "about \(answer.best)"
    let place = answer.place.isEmpty ? "" : " (\(answer.place))"
    let where_ = "The peak is \(most), in phase \(answer.phase)\(place)."
    guard let limit = report.limit, let verdict = report.verdict else { return where_ }
    let name = limit.name == limit.bytes.description ? limit.name : "\(limit.name)'s \(limit.bytes)"
    switch verdict {
    case .fits: return "It fits \(name), with \(limit.bytes - report.needed) to spare. " + where_
    case .doesNot:
      let laidOut =
        answer.high <= limit.bytes ? " As it is laid out in memory, it needs \(report.needed)." : ""
      return "It does not fit \(name): \(max(answer.low, report.needed) - limit.bytes) too much. "
        + where_ + laidOut
    case .cannotTell: return "Whether it fits \(name) cannot be told. " + where_
    }
  }

  private static func tone(_ report: FitReport) -> Tone {
    switch report.verdict {
    case .doesNot: .failure
    case .cannotTell: .warning
    case .fits, nil: .strong
    }
  }

  private static func interval(_ answer: MemoryAnswer) -> String {
    "It lies between \(answer.low) and \(answer.high): some constants are another program's."
  }

  private static let width = 32

  private static func phases(_ report: FitReport, _ document: inout Document) {
    let answer = report.answer
    let most = max(1, answer.phases.map(\.bytes.count).max() ?? 1, report.limit?.bytes.count ?? 1)
    document.add(.heading("phases", level: 3))
    document.add(
      .table(
        Table(
          [.init("phase", .left), .init("peak"), .init("", .left), .init("", .left)],
          rows: answer.phases.map { phase in
            let filled = max(
              1, Int((Double(phase.bytes.count) / Double(most) * Double(width)).rounded()))
            let isBinding = phase.name == answer.phase
            return Table.Row(
              .none,
              [
                .words(phase.name), .bytes(phase.bytes),
                .words(String(repeating: isBinding ? "█" : "▒", count: filled)),
                .words(isBinding ? "binds" : ""),
              ], tone: isBinding ? .strong : .plain)
          })))
    if let limit = report.limit, limit.bytes.count <= most {
      let at = Int((Double(limit.bytes.count) / Double(most) * Double(width)).rounded())
      document.say("The limit is at \(at) of \(width) columns of the bars.", .quiet, for: .terminal)
    }
  }

  private static func roles(_ answer: MemoryAnswer, _ document: inout Document) {
    document.add(.heading("what lives at the peak", level: 3))
    let sum = max(1, answer.byRole.values.reduce(.zero, +).count)
    document.add(
      .table(
        Table(
          [.init("role", .left), .init("bytes"), .init("share")],
          rows: answer.byRole.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { role, bytes in
              Table.Row(
                .none,
                [
                  .words(role.label), .bytes(bytes),
                  .percent(Double(bytes.count) / Double(sum), digits: 0),
                ])
            })))
  }

  private static func terms(_ answer: MemoryAnswer, _ document: inout Document) {
    guard !answer.terms.isEmpty else { return }
    document.add(.heading("each term with its numbers", level: 3))
    document.add(
      .table(
        Table(
          [.init("term", .left), .init("role", .left), .init("bytes")],
          rows: answer.terms.filter { $0.bytes.count * 1000 >= answer.best.count }.map { term in
            Table.Row(
              .none, [.words(term.name), .words(term.role.label), .bytes(term.bytes)],
              words: ["= \(term.formula)"])
          })))
  }

  private static func largest(_ report: FitReport, _ document: inout Document) {
    guard let limit = report.limit, !report.largest.isEmpty else { return }
    document.add(.heading("the most that fits \(limit.name), all else as it is", level: 3))
    document.add(
      .fields(
        report.largest.map { one in
          guard let value = one.value, let bytes = one.bytes else {
            return Document.Field(one.axis, "nothing fits", .warning)
          }
          return Document.Field(one.axis, "\(value), which takes \(bytes)")
        }))
  }

  // MARK: Mends

  private static func mends(_ report: FitReport, _ document: inout Document) {
    guard let found = report.mends else { return }
    document.add(.heading("changes that make it fit", level: 3))
    if found.fitting.isEmpty {
      document.say("No change makes it fit, nor do three of them together.", .warning)
      helpful(found, &document)
      return
    }
    document.add(.table(table(found.fitting.prefix(8))))
    document.add(.notes(Self.notes(found.fitting.prefix(8))))
    if let first = found.fitting.first, let command = report.setting.command(first.changes) {
      document.add(.commands(title: "to try the first", [command]))
    }
    if !found.useless.isEmpty {
      document.say(
        "Not proposed, since the peak stays or rises: "
          + found.useless.map(\.words).joined(separator: "; ") + ".", .quiet)
    }
  }

  private static func helpful(_ found: MendSearch.Result, _ document: inout Document) {
    guard !found.helpful.isEmpty else { return }
    document.say("These lower the peak:")
    document.add(.table(table(found.helpful.prefix(8))))
  }

  private static func table(_ proposals: some Sequence<MendSearch.Proposal>) -> Table {
    Table(
      [
        .init("change"), .init("peak"), .init("saves"), .init("time"),
        .init("then binds", .left),
      ],
      rows: proposals.enumerated().map { index, one in
        Table.Row(
          .none,
          [
            .words("\(index + 1)\(one.changesTraining ? "*" : "")"), .bytes(one.answer.high),
            .bytes(one.saved), .words("× \(fixed(one.price.ratio, 2))"), .words(one.answer.phase),
          ], words: [one.words])
      })
  }

  /// Whose prices these are, each said once.
  private static func notes(_ proposals: some Sequence<MendSearch.Proposal>) -> [String] {
    var seen: Set<String> = []
    var notes: [String] = []
    for mend in proposals.flatMap(\.mends) where seen.insert(mend.words).inserted {
      switch mend.price.basis {
      case .measured(let where_):
        notes.append("\(mend.words): × \(fixed(mend.price.ratio, 2)), measured: \(where_)")
      case .quoted(let source):
        notes.append("\(mend.words): × \(fixed(mend.price.ratio, 2)), quoted: \(source)")
      case .product: break
      }
    }
    if proposals.contains(where: \.changesTraining) {
      notes.append("* something else is trained, or it is rounded otherwise")
    }
    return notes
  }
}

/// What a change would come to, and why it is not proposed.
package struct WhyNot: Sendable {
  package let words: String

  package init(_ name: String, base: MemoryAnswer, with changed: MemoryAnswer) {
    let before = Dictionary(uniqueKeysWithValues: base.phases.map { ($0.name, $0.bytes) })
    let lowered = changed.phases.compactMap { phase -> String? in
      guard let was = before[phase.name], phase.bytes < was else { return nil }
      return "\(phase.name) from \(was) to \(phase.bytes)"
    }
    let effect =
      lowered.isEmpty ? "It lowers no phase" : "It lowers \(lowered.joined(separator: ", "))"
    let saved = base.best - changed.best
    if saved > .zero {
      words =
        "\(name): it saves \(saved). \(effect); \(changed.phase) then binds with \(changed.high)."
    } else if saved == .zero {
      words =
        "\(name): it saves nothing. \(effect); but \(changed.phase) binds with \(changed.high), as before."
    } else {
      words =
        "\(name): it takes \(Bytes(-saved.count)) more. \(effect); \(changed.phase) then binds with "
        + "\(changed.high)."
    }
  }
}

extension FitSetting {
  /// The command that runs it with changes, where this program does.
  package func command(_ changes: [String: String?]) -> String? {
    guard (try? runtime()) == .headroom, let axes = try? changing(changes).axes() else {
      return nil
    }
    let model = self["model"]
    let shape: Set<String> = [
      "layers", "hidden", "ffn", "heads", "kv-heads", "head-dim", "vocab", "tied", "mlp",
    ]
    var words = model.map { ["-a model=\($0)"] } ?? []
    let usual = WorkloadCatalog.standard[workload]?.allAxes ?? []
    for (name, value) in axes.sorted(by: { $0.key < $1.key })
    where model == nil || !shape.contains(name) {
      // What an axis is anyway need not be said.
      if usual.contains(where: { $0.name == name && $0.defaultValue?.text == value }) { continue }
      let isPlain = value.allSatisfy { $0.isLetter || $0.isNumber || "_.-".contains($0) }
      words.append(isPlain ? "-a \(name)=\(value)" : "-a '\(name)=\(value)'")
    }
    return "headroom sweep --workload \(workload) " + words.joined(separator: " ")
  }
}
