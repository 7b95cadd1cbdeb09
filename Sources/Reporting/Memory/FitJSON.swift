import MemoryPlanning
import Planning
import Quantities

/// A fit as scripts read it: schema `headroom.fit/1`.
struct FitJSON: Encodable {
  let schema = "headroom.fit/1"
  let setting: [String: String]
  let bytes, low, high: Int
  let phase: String
  let place: String
  let phases: [String: Int]
  let byRole: [String: Int]
  let terms: [Term]?
  let neededBytes: Int
  let limitBytes: Int?
  let verdict: String?
  let largest: [Largest]
  let mends: [Proposal]?
  let notProposed: [Proposal]?

  struct Term: Encodable {
    let name, role, formula: String
    let bytes: Int
  }

  struct Largest: Encodable {
    let axis: String
    let value: String?
    let bytes: Int?
  }

  struct Proposal: Encodable {
    let words: String
    let changes: [String: String]
    let bytes, savedBytes: Int
    let timeRatio: Double
    let basis: String
    let changesTraining: Bool
    let phase: String
    let command: String?
  }

  init(_ report: FitReport) {
    let answer = report.answer
    setting = report.setting.values
    (bytes, low, high) = (answer.best.count, answer.low.count, answer.high.count)
    (phase, place) = (answer.phase, answer.place)
    phases = Dictionary(answer.phases.map { ($0.name, $0.bytes.count) }) { max($0, $1) }
    byRole = Dictionary(
      uniqueKeysWithValues: answer.byRole.map { ($0.key.key, $0.value.count) })
    terms =
      answer.terms.isEmpty
      ? nil
      : answer.terms.map {
        Term(name: $0.name, role: $0.role.key, formula: $0.formula, bytes: $0.bytes.count)
      }
    neededBytes = report.needed.count
    limitBytes = report.limit?.bytes.count
    verdict = report.verdict?.rawValue
    largest = report.largest.map {
      Largest(axis: $0.axis, value: $0.value, bytes: $0.bytes?.count)
    }
    mends = report.mends?.fitting.map { Proposal($0, report.setting) }
    notProposed = report.mends?.useless.map { Proposal($0, report.setting) }
  }
}

extension FitJSON.Proposal {
  init(_ one: MendSearch.Proposal, _ setting: FitSetting) {
    words = one.words
    changes = one.changes.compactMapValues { $0 }
    (bytes, savedBytes) = (one.answer.high.count, one.saved.count)
    timeRatio = one.price.ratio
    basis =
      switch one.price.basis {
      case .measured(let words): "measured: \(words)"
      case .quoted(let words): "quoted: \(words)"
      case .product: "product"
      }
    changesTraining = one.changesTraining
    phase = one.answer.phase
    command = setting.command(one.changes)
  }
}
