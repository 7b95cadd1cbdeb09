import ArgumentParser
import Kernels
import Models
import Planning
import Quantities
import Records
import Workloads

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Tells what there is: workloads with their axes, formats, models.")

  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case workloads, formats, models
  }

  @Argument(help: "workloads, formats or models; all when left out.")
  var subject: Subject?

  @Option(help: "Write it as JSON to this file; - is standard output.")
  var json: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(["json": json], replace: replace.isGiven)
    try outputs.write("json") { try JSONText.encode(Listing(), pretty: true) }
    if outputs.takeStandardOutput { return }
    if subject == nil || subject == .workloads { listWorkloads() }
    if subject == nil || subject == .formats { listFormats() }
    if subject == nil || subject == .models { listModels() }
  }

  private func listWorkloads() {
    Console.print("workloads")
    for workload in WorkloadCatalog.standard.workloads {
      Console.print("  \(workload.name): \(workload.about)")
      for axis in workload.allAxes { Console.print("    \(axis.explanation)") }
      for variant in workload.variants {
        let missing = variant.unavailable.map { ": \($0)" } ?? ""
        Console.print("    variant \(variant.name) (\(variant.kind.rawValue))\(missing)")
      }
    }
  }

  private func listFormats() {
    Console.print("formats")
    for type in ElementType.allCases {
      Console.print("  \(type.rawValue): \(significant(type.bitsPerWeight)) bits per weight")
    }
  }

  /// What `model: NAME` in a suite stands for.
  private func listModels() {
    Console.print("models")
    for model in Architecture.all {
      let heads =
        model.heads == model.kvHeads ? "\(model.heads)" : "\(model.heads)/\(model.kvHeads)"
      Console.print(
        "  \(model.name): \(model.layers) layers, hidden \(model.hidden), ffn \(model.ffn), "
          + "heads \(heads) x \(model.headDim), vocab \(model.vocab), "
          + "\(significant(Double(model.matrixWeights) / 1e9)) billion weights")
    }
  }

  private struct Listing: Encodable {
    let workloads = WorkloadCatalog.standard.workloads.map(Entry.init)
    let formats = ElementType.allCases.map(Format.init)
    let models = Architecture.all.map(Model.init)

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

      init(_ model: Architecture) {
        name = model.name
        (layers, hidden, ffn) = (model.layers, model.hidden, model.ffn)
        (heads, kvHeads, headDim) = (model.heads, model.kvHeads, model.headDim)
        (vocab, weights) = (model.vocab, model.matrixWeights)
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
  /// `precision: fp32, fp16 or bf16 (fp32 when left out)`
  fileprivate var explanation: String {
    let values = words.map { $0.joined(separator: ", ") } ?? (isNumber ? "a number" : "")
    let fallback =
      defaultValue.map { " (\($0.text) when left out)" } ?? (isOptional ? " (may be left out)" : "")
    return "\(name): \(values)\(fallback)"
  }

  private var words: [String]? {
    switch domain {
    case .words(let words): words
    case .texts(let words, let calls): words + calls.map { "\($0)(N)" }
    default: nil
    }
  }
}
