import Foundation
import Kernels
import MemoryPlanning
import Models
import OrderedCollections
import Planning
import Quantities
import Records
import Testing
import Workloads

/// The closed form of a training step, written down from its formulas, against a dry run of its own code.
@Suite struct StepFormTests {
  private static let workload = WorkloadCatalog.standard["training-step"]

  private func plans(_ axes: [String: String], threads: Int = 2) throws -> (
    dry: MemoryPlan, form: MemoryPlan?
  ) {
    let workload = try #require(Self.workload)
    let variant = try #require(workload.best).name
    var all = axes
    for axis in workload.axes where all[axis.name] == nil {
      all[axis.name] = axis.defaultValue?.text
    }
    let problem = try workload.problem { name in
      guard let axis = workload.axes.first(where: { $0.name == name }), let text = all[name] else {
        return nil
      }
      return axis.isNumber ? Int(text).map(AxisValue.number) : .word(text)
    }
    let memory = StepMemory(
      try StepStructure(axes: all), batch: Int(all["batch"] ?? "") ?? 1,
      tokens: Int(all["tokens"] ?? "") ?? 0, accumulation: Int(all["accumulation"] ?? "") ?? 1)
    let instructions = try #require(InstructionSet(rawValue: variant))
    return (
      try workload.memory(of: problem, variant: variant, threads: threads),
      try memory.plan(instructions: instructions, threads: threads)
    )
  }

  private static let small = [
    "layers": "7", "hidden": "64", "ffn": "96", "heads": "4", "kv-heads": "2", "head-dim": "16",
    "vocab": "130", "batch": "2", "tokens": "24",
  ]

  static let checkpoints = [
    "none", "pointwise", "attention", "block", "sqrt", "layers(1)", "layers(5)", "segments(1)",
    "segments(3)", "segments(7)",
  ]
  static let adapters = [
    "none", "lora(4)", "lora(3)+q+v", "lora(4)+mlp+drop", "prefix(6)", "bottleneck(8)", "ia3",
  ]

  private static func axes(_ adapter: String) -> [String: String] {
    switch adapter {
    case "lora(3)+q+v": ["adapter": "lora(3)", "targets": "q+v", "base": "q8_0"]
    case "lora(4)+mlp+drop": ["adapter": "lora(4)", "targets": "mlp", "dropout": "0.1"]
    case "none": [:]
    default: ["adapter": adapter, "base": "nf4"]
    }
  }

  @Test(arguments: checkpoints, adapters)
  func `the closed form is the dry run to the byte, in every phase and role`(
    checkpointing: String, adapter: String
  ) throws {
    for precision in ["fp32", "bf16", "fp16"] {
      for attention in ["tiled", "naive"] where !(attention == "naive" && adapter == "prefix(6)") {
        var axes = Self.small.merging(Self.axes(adapter)) { $1 }
        axes["checkpointing"] = checkpointing
        axes["precision"] = precision
        axes["attention"] = attention
        let (dry, form) = try plans(axes)
        for phase in MemoryPhase.allCases where dry.phases[phase] != form?.phases[phase] {
          Issue.record(
            "\(axes["precision"] ?? "") \(attention) \(phase): \(String(describing: dry.phases[phase])) and \(String(describing: form?.phases[phase]))"
          )
        }
      }
    }
  }

  @Test(arguments: [
    ["loss": "tokens(5)"], ["loss": "tokens(500)"], ["loss": "vocabulary(33)"],
    ["optimizer": "adamw8", "hidden": "128"], ["optimizer": "sgd"], ["optimizer": "momentum"],
    ["update": "in-backward"], ["update": "in-backward", "checkpointing": "block"],
    ["update": "in-backward", "tied": "yes"], ["accumulation": "3"],
    ["accumulation": "2", "checkpointing": "block", "adapter": "lora(2)"], ["clip": "norm(1)"],
    ["clip": "norm(1)", "precision": "bf16-pure"], ["tied": "yes"], ["precision": "bf16-pure"],
    ["rope": "none"], ["batch": "1", "tokens": "1"], ["layers": "1"], ["layers": "2"],
    ["layers": "4"], ["layers": "5", "checkpointing": "block"], ["layers": "12"],
    ["layers": "12", "checkpointing": "layers(6)"], ["layers": "12", "checkpointing": "sqrt"],
    ["checkpointing": "budget(5400KiB)"], ["checkpointing": "budget(5.3MiB)"],
    ["checkpointing": "budget(1GiB)"], ["tokens": "300", "batch": "5"],
    ["vocab": "4000", "tokens": "64"], ["heads": "2"], ["head-dim": "24"],
  ])
  func `so it is for every other axis`(changes: [String: String]) throws {
    let (dry, form) = try plans(Self.small.merging(changes) { $1 })
    for phase in MemoryPhase.allCases where dry.phases[phase] != form?.phases[phase] {
      Issue.record(
        "\(phase): \(String(describing: dry.phases[phase])) and \(String(describing: form?.phases[phase]))"
      )
    }
  }

  @Test func `every training step of the shipped suites has the form of its plan`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: "suites")
    var compared = 0
    for file in files.sorted() where file.hasSuffix(".yaml") {
      let plan = try Planner(cores: 2).plan(try SuiteReader.read("suites/\(file)"))
      for planned in plan.cases where planned.case.workload == "training-step" {
        guard let instructions = InstructionSet(rawValue: planned.variant) else { continue }
        let axes = planned.problem.axes.mapValues(\.text)
        // A problem's axes go by the names of its properties.
        let named = Dictionary(
          uniqueKeysWithValues: planned.case.axes.map { ($0.key, $0.value.text) })
        let memory = StepMemory(
          try StepStructure(axes: named), batch: Int(axes["batch"] ?? "") ?? 1,
          tokens: Int(axes["tokens"] ?? "") ?? 0,
          accumulation: Int(axes["accumulation"] ?? "") ?? 1)
        let form = try memory.plan(instructions: instructions, threads: planned.threads)
        #expect(form == planned.predicted, "\(planned.case.id)")
        compared += 1
      }
    }
    #expect(compared > 50)
  }
}
