import Models
import OrderedCollections
package import Planning
import Quantities
import Records
import Workloads

/// What there is, for people: workloads with their axes, formats, models.
package struct ListDocument {
  package enum Subject: String, CaseIterable, Sendable {
    case workloads, formats, models
  }

  /// - Parameter subjects: what is shown; figures hold all.
  package static func make(_ subjects: [Subject], catalog: WorkloadCatalog) -> Document {
    var document = Document("list") {
      try JSONText.encode(Listing(catalog: catalog), pretty: true)
    }
    for subject in subjects {
      switch subject {
      case .workloads: addWorkloads(catalog.workloads, to: &document)
      case .formats: addFormats(to: &document)
      case .models: addModels(to: &document)
      }
    }
    return document
  }

  private static func addWorkloads(
    _ workloads: [WorkloadDescription], to document: inout Document
  ) {
    for workload in workloads {
      document.add(.heading(workload.name, level: 2))
      document.say("  \(workload.about)")
      document.add(
        .fields(
          workload.axes.map { .init($0.name, $0.explanation) } + [
            .init("variants", workload.variants.map(\.name).joined(separator: ", "))
          ]))
    }
    document.add(.heading("axes of every workload", level: 2))
    let harness = HarnessAxis.allCases.map { Axis($0, variants: []) }
    document.add(
      .fields(
        harness.map { axis in
          axis.name == HarnessAxis.variant.rawValue
            ? .init(
              axis.name, "best, all, exec:COMMAND, or one of the workload's (best when left out)")
            : .init(axis.name, axis.explanation)
        }))
    var missing: OrderedDictionary<String, String> = [:]
    for variant in workloads.flatMap(\.variants) {
      if let reason = variant.unavailable { missing[variant.name] = reason }
    }
    guard !missing.isEmpty else { return }
    document.add(.heading("variants that cannot run here", level: 2))
    document.add(.fields(missing.map { .init($0.key, $0.value, .quiet) }))
  }

  private static func addFormats(to document: inout Document) {
    document.add(.heading("formats", level: 2))
    document.add(
      .table(
        Table(
          [.init("format", .left), .init("bits per weight")],
          rows: ElementType.allCases.map {
            Table.Row(.none, [.words($0.rawValue), .number($0.bitsPerWeight)])
          })))
  }

  /// What `model: NAME` in a suite stands for.
  private static func addModels(to document: inout Document) {
    document.add(.heading("models", level: 2))
    let columns: [Table.Column] =
      [.init("model", .left)]
      + ["layers", "hidden", "ffn", "heads", "head-dim", "vocab", "context", "weights"].map {
        .init($0, gap: 1)
      } + [.init("whole", .left, gap: 1)]
    document.add(
      .table(
        Table(
          columns,
          rows: Architecture.all.map { model in
            let heads =
              model.heads == model.kvHeads ? "\(model.heads)" : "\(model.heads)/\(model.kvHeads)"
            return Table.Row(
              .none,
              [
                .words(model.name), .count(model.layers), .count(model.hidden), .count(model.ffn),
                .words(heads), .count(model.headDim), .count(model.vocab),
                .count(model.context),
                .words("\(significant(Double(model.matrixWeights) / 1e9)) G"),
                .words(model.isRunnable ? "run" : "planned"),
              ])
          })))
    let refused = OrderedDictionary(grouping: Architecture.all) { $0.refusal ?? "" }
    let lacking = OrderedDictionary(grouping: Architecture.all.filter { $0.refusal == nil }) {
      $0.omissions.joined(separator: ", ")
    }
    func names(_ models: [Architecture]) -> String {
      models.map(\.name).joined(separator: ", ")
    }
    document.add(
      .notes(
        refused.filter { !$0.key.isEmpty }.map {
          "whole layers are refused, since they have \($0.key): \(names($0.value))"
        }
          + lacking.filter { !$0.key.isEmpty }.map {
            "whole layers are computed without \($0.key): \(names($0.value))"
          }))
  }

  private struct Listing: Encodable {
    let workloads: [Entry]
    let formats = ElementType.allCases.map(Format.init)
    let models = Architecture.all.map(Model.init)

    init(catalog: WorkloadCatalog) { workloads = catalog.workloads.map(Entry.init) }

    struct Entry: Encodable {
      let name: String
      let about: String
      let axes: [String]
      let variants: [String]

      init(_ workload: WorkloadDescription) {
        name = workload.name
        about = workload.about
        axes = workload.allAxes.map(\.name)
        variants = workload.variants.map(\.name)
      }
    }

    struct Model: Encodable {
      let name: String
      let layers, hidden, ffn, heads, kvHeads, headDim, vocab: Int
      let weights: Int
      /// Whether whole layers can be run, or their memory only planned.
      let runs: Bool

      init(_ model: Architecture) {
        name = model.name
        (layers, hidden, ffn) = (model.layers, model.hidden, model.ffn)
        (heads, kvHeads, headDim) = (model.heads, model.kvHeads, model.headDim)
        (vocab, weights, runs) = (model.vocab, model.matrixWeights, model.isRunnable)
      }
    }

    struct Format: Encodable {
      let name: String
      let bitsPerWeight: Double

      init(_ type: ElementType) {
        name = type.rawValue
        bitsPerWeight = type.bitsPerWeight
      }
    }
  }
}

extension Axis {
  /// `fp32, fp16, bf16 (fp32 when left out)`
  fileprivate var explanation: String {
    let fallback =
      defaultValue.map { " (\($0.text) when left out)" } ?? (isOptional ? " (may be left out)" : "")
    return values + fallback
  }

  private var values: String {
    switch domain {
    case .words(let words): words.joined(separator: ", ")
    case .texts(let words, let calls, let sizes, let takesShares):
      (words + calls.map { "\($0)(N)" } + sizes.map { "\($0)(200MiB)" }
        + (takesShares ? ["a number from 0 to less than 1"] : [])).joined(separator: ", ")
    case .number(_, let words): (["a number"] + words).joined(separator: ", ")
    case .bytes: "bytes, as 8GiB"
    }
  }
}
