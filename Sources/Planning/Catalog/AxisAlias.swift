import Models
import Workloads

/// What a name in a suite means: one axis, or several that vary together.
struct AxisMeaning {
  let axes: [Axis]
  /// A value of each axis, from one that the suite gives.
  let read: (Located<String>) throws -> [String]
}

/// A second name of axes, whose values are short for theirs.
enum AxisAlias {
  /// `bits: [32, 16]` is short for the default format of each width.
  static let bits = "bits"
  /// Keys' and values' at once.
  static let cacheType = "cache-type"
  /// All that a model's architecture says of a workload's shape.
  static let model = "model"
  /// What saves memory in a training step, alone or several of them: `block+adamw8`.
  static let saver = "saver"

  /// The axes it may stand for, and the formats: of 6 to 2 bits those that err least for their width.
  private static let formats = [
    "precision": ["32": "fp32", "16": "fp16"],
    "format": [
      "32": "fp32", "16": "fp16", "8": "q8_0", "6": "q6_k", "5": "q5_k", "4": "q4_k", "3": "q3_k",
      "2": "q2_k",
    ],
  ]

  /// The axes of a workload that a name in a suite means, and how to read a value of it.
  static func meaning(
    _ name: Located<String>, of workload: WorkloadDescription
  ) throws -> AxisMeaning {
    let axes = workload.allAxes
    if let axis = axes.first(where: { $0.name == name.value }) {
      return AxisMeaning(axes: [axis]) { [$0.value] }
    }
    let meant = self.axes(of: name.value, among: axes)
    guard let first = meant.first else {
      throw SuiteFault.unknownAxis(
        name.value, workload: workload.name, known: names(of: workload), name.place)
    }
    switch name.value {
    case bits: return AxisMeaning(axes: meant) { [try format($0, among: first)] }
    case model:
      return AxisMeaning(axes: meant) { value in
        let model = try architecture(value)
        let values = model.axisValues
        // Layers as a whole are asked for where their network is.
        if meant.contains(where: { $0.name == "mlp" }), let refusal = model.refusal {
          throw SuiteFault.inexpressibleModel(
            model.name, has: refusal, workload: workload.name, value.place)
        }
        return meant.map { values[$0.name] ?? "" }
      }
    case saver: return AxisMeaning(axes: meant) { try MemorySavers.values($0, of: meant) }
    default: return AxisMeaning(axes: meant) { value in meant.map { _ in value.value } }
    }
  }

  /// Of those of a workload, the ones that such a name stands for.
  private static func axes(of alias: String, among axes: [Axis]) -> [Axis] {
    switch alias {
    case bits: axes.first { formats[$0.name] != nil }.map { [$0] } ?? []
    case cacheType: axes.filter { ["cache-type-k", "cache-type-v"].contains($0.name) }
    case saver: MemorySavers.axes(among: axes)
    // Any workload that has heads of keys is part of a model.
    case model:
      axes.contains { $0.name == "kv-heads" }
        ? axes.filter { architectureAxes.contains($0.name) } : []
    default: []
    }
  }

  /// The names that a suite may give.
  static func names(of workload: WorkloadDescription) -> [String] {
    let axes = workload.allAxes
    let names = axes.map(\.name)
    return names
      + [bits, cacheType, model, saver].filter { alias in
        !names.contains(alias) && !self.axes(of: alias, among: axes).isEmpty
      }
  }

  private static func format(_ width: Located<String>, among axis: Axis) throws -> String {
    let widths = formats[axis.name] ?? [:]
    guard let format = widths[width.value], case .words(let words) = axis.domain,
      words.contains(format)
    else {
      let known = widths.keys.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
      throw SuiteFault.unknownWord(width.value, axis: bits, known: known, width.place)
    }
    return format
  }

  /// The axes that a model's name gives a value.
  private static let architectureAxes = Set(Architecture.all[0].axisValues.keys)

  private static func architecture(_ name: Located<String>) throws -> Architecture {
    guard let found = Architecture.named(name.value) else {
      throw SuiteFault.unknownWord(
        name.value, axis: model, known: Architecture.all.map(\.name), name.place)
    }
    return found
  }
}

extension Architecture {
  /// What its name stands for in a suite, by axis.
  var axisValues: [String: String] {
    [
      "layers": "\(layers)", "hidden": "\(hidden)", "ffn": "\(ffn)", "heads": "\(heads)",
      "kv-heads": "\(kvHeads)", "head-dim": "\(headDim)", "vocab": "\(vocab)",
      "tied": isTied ? "yes" : "no", "mlp": mlp,
    ]
  }
}
