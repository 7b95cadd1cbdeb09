import Foundation
import MemoryPlanning
package import Planning
import Quantities
import Records

/// Why cases of a run ran out of memory, and the cheapest change that fits, for each.
package enum DiagnosisDocument {
  package static func make(_ cases: [CaseDiagnosis]) -> Document {
    var document = Document("diagnosis") {
      try JSONText.encode(DiagnosisJSON(cases: cases.map(DiagnosisJSON.Entry.init)), pretty: true)
    }
    if cases.isEmpty { document.say("No case ran out of memory.", .strong) }
    for one in cases { add(one, to: &document) }
    return document
  }

  private static func add(_ one: CaseDiagnosis, to document: inout Document) {
    let record = one.record
    document.add(.heading(record.case.id, level: 2))
    document.say(kind(record), .failure)
    document.add(.fields(fields(one)))
    if let live = record.memory?.live, !live.isEmpty {
      document.add(.heading("what was live then", level: 3))
      document.add(.table(roles(live, record.predicted)))
    }
    timeline(record, &document)
    guard let report = one.report else {
      document.say("No change can be proposed: \(one.why ?? "")", .warning)
      return
    }
    FitDocument.addBody(report, to: &document)
  }

  /// Which way it ran out, in words.
  static func kind(_ record: Record) -> String {
    switch record.outcome {
    case .outOfMemory(.budget, _):
      "An allocation would have passed the case's limit, and was refused before it happened."
    case .outOfMemory(.limit, _): "The operating system's limit on the case's process was hit."
    case .outOfMemory(.killed, _):
      "The system killed it for want of memory on the whole machine, not by a limit of its own."
    case .skipped(let reason): "It was not run: \(reason)."
    default: record.outcome.reason ?? ""
    }
  }

  private static func fields(_ one: CaseDiagnosis) -> [Document.Field] {
    var fields: [Document.Field] = []
    if let memory = one.record.memory {
      if let refused = memory.refused {
        fields.append(
          .init(
            "refused",
            "\(refused.bytes) of \(refused.role.label), in phase \(refused.phase.rawValue)"))
      }
      let live = memory.live.values.reduce(.zero, +)
      fields.append(.init("live then", "\(live), in phase \(memory.phase.rawValue)"))
    }
    if let limit = one.limit { fields.append(.init("limit", limit.bytes.description)) }
    if let predicted = one.predicted {
      let above = one.limit.map { limit in
        predicted > limit.bytes
          ? ", \(predicted - limit.bytes) above the limit" : ", within the limit"
      }
      fields.append(.init("predicted", "\(predicted)\(above ?? "")"))
    }
    if let words = one.record.outcome.reason { fields.append(.init("reason", words)) }
    return fields
  }

  private static func roles(_ live: [MemoryRole: Bytes], _ predicted: MemoryPlan?) -> Table {
    let sum = max(1, live.values.reduce(.zero, +).count)
    return Table(
      [.init("role", .left), .init("bytes"), .init("share"), .init("predicted at the peak")],
      rows: live.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map {
        Table.Row(
          .none,
          [
            .words($0.key.label), .bytes($0.value),
            .percent(Double($0.value.count) / Double(sum), digits: 0),
            predicted?.byRole[$0.key].map { .bytes($0) } ?? .absent,
          ])
      })
  }

  private static func timeline(_ record: Record, _ document: inout Document) {
    for element in TimelineSection.elements(of: record.timeline ?? [], level: 3) {
      document.add(element)
    }
  }
}

/// `headroom.diagnosis/1`
struct DiagnosisJSON: Encodable {
  let schema = "headroom.diagnosis/1"
  let cases: [Entry]

  struct Entry: Encodable {
    let id: String
    let kind: String
    let words: String
    let reason: String?
    let phase: String?
    let live: [String: Int]
    let refused: Refusal?
    let limitBytes: Int?
    let predictedBytes: Int?
    let fit: FitJSON?
    let why: String?

    struct Refusal: Encodable {
      let role, phase: String
      let bytes: Int
    }

    init(_ one: CaseDiagnosis) {
      let record = one.record
      id = record.case.id
      kind = record.outcome.kind ?? "predicted"
      words = DiagnosisDocument.kind(record)
      reason = record.outcome.reason
      phase = record.memory?.phase.rawValue
      live = Dictionary(
        uniqueKeysWithValues: (record.memory?.live ?? [:]).map { ($0.key.key, $0.value.count) })
      refused = record.memory?.refused.map {
        Refusal(role: $0.role.key, phase: $0.phase.rawValue, bytes: $0.bytes.count)
      }
      limitBytes = one.limit?.bytes.count
      predictedBytes = one.predicted?.count
      fit = one.report.map(FitJSON.init)
      why = one.why
    }
  }
}
