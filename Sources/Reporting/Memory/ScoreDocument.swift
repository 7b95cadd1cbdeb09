import Foundation
package import MemoryPlanning
import Quantities
import Records

/// Predictions against figures that others published.
package enum ScoreDocument {
  package static func make(_ answers: [KnownAnswer]) -> Document {
    var document = Document("score") {
      try JSONText.encode(ScoreJSON(rows: answers.map(ScoreJSON.Row.init)), pretty: false)
    }
    document.add(.heading("predicted and published", level: 2))
    document.add(.table(summary(answers)))
    let failed = answers.filter { $0.predicted == nil }
    document.say(
      failed.isEmpty
        ? "Every row is answered."
        : "\(counted(failed.count, "row")) of \(answers.count) cannot be expressed:")
    document.add(
      .notes(failed.map { "line \($0.row.line), \($0.row.model): \($0.why ?? "")" }))
    document.add(.heading("rows", level: 3))
    document.add(.table(rows(answers.filter { $0.predicted != nil })))
    return document
  }

  private struct Group: Hashable, Comparable {
    let kind, quantity: String

    static func < (left: Group, right: Group) -> Bool {
      (left.kind, left.quantity) < (right.kind, right.quantity)
    }
  }

  private static func summary(_ answers: [KnownAnswer]) -> Table {
    let groups = Dictionary(grouping: answers) {
      Group(kind: $0.row.kind, quantity: $0.row.quantity)
    }
    return Table(
      [
        .init("kind", .left), .init("quantity", .left), .init("rows"), .init("told"),
        .init("mean error"), .init("worst"), .init("covered"),
      ],
      rows: groups.sorted { $0.key < $1.key }.map { group, answers in
        let errors = answers.compactMap(\.error)
        let covered = answers.compactMap(\.isCovered)
        let worst = errors.max { abs($0) < abs($1) }
        let mean = errors.reduce(0) { $0 + abs($1) } / Double(max(1, errors.count))
        return Table.Row(
          .none,
          [
            .words(group.kind), .words(group.quantity), .count(answers.count),
            .count(answers.count { $0.predicted != nil }),
            errors.isEmpty ? .absent : .percent(mean, digits: 2),
            worst.map { .words("\(fixed($0 * 100, 2)) %") } ?? .absent,
            covered.isEmpty
              ? .absent
              : .percent(Double(covered.count { $0 }) / Double(covered.count), digits: 0),
          ])
      })
  }

  private static func rows(_ answers: [KnownAnswer]) -> Table {
    Table(
      [
        .init("line"), .init("model", .left), .init("quantity", .left), .init("predicted"),
        .init("published"), .init("error"),
      ],
      rows: answers.map { answer in
        Table.Row(
          .none,
          [
            .count(answer.row.line), .words(answer.row.model), .words(answer.row.quantity),
            .words("\(significant(answer.predicted ?? 0)) \(answer.row.unit)"),
            .words(answer.row.value),
            answer.error.map { .words("\(fixed($0 * 100, 2)) %") } ?? .absent,
          ])
      })
  }
}

/// `{"rows":[{"row","predicted","low","high","value","error","why"}]}`
struct ScoreJSON: Encodable {
  let rows: [Row]

  struct Row: Encodable {
    let row: Int
    let model, settings, quantity, unit, kind: String
    let predicted, low, high, value, error: Double?
    let covered: Bool?
    let why: String?

    init(_ answer: KnownAnswer) {
      row = answer.row.line
      (model, settings) = (answer.row.model, answer.row.settings)
      (quantity, unit, kind) = (answer.row.quantity, answer.row.unit, answer.row.kind)
      (predicted, low, high) = (answer.predicted, answer.low, answer.high)
      (value, error, covered, why) = (answer.value, answer.error, answer.isCovered, answer.why)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(row, forKey: .row)
      try container.encode(model, forKey: .model)
      try container.encode(settings, forKey: .settings)
      try container.encode(quantity, forKey: .quantity)
      try container.encode(unit, forKey: .unit)
      try container.encode(kind, forKey: .kind)
      // What is not known is null, and not left out.
      try container.encode(predicted, forKey: .predicted)
      try container.encode(low, forKey: .low)
      try container.encode(high, forKey: .high)
      try container.encode(value, forKey: .value)
      try container.encode(error, forKey: .error)
      try container.encode(covered, forKey: .covered)
      try container.encode(why, forKey: .why)
    }

    private enum Key: String, CodingKey {
      case row, model, settings, quantity, unit, kind, predicted, low, high, value, error, covered
      case why
    }
  }
}
