import OrderedCollections
import Records

/// What saves memory in a training step: the axes of a case that say so.
enum MemorySaver {
  private static let checkpointing = "checkpointing"
  /// Each axis, and its value where it saves nothing.
  private static let axes: OrderedDictionary<String, String> = [
    "precision": "fp32", "adapter": "none", "base": "fp32", checkpointing: "none",
    "loss": "whole", "optimizer": "adamw", "update": "separate",
  ]

  /// Its savers as a suite writes them, `lora(8)+nf4`, or nothing for a case that has none.
  static func label(of case: Case) -> String? {
    let words = axes.compactMap { axis, neutral in
      `case`.axes[axis].flatMap { $0.text == neutral ? nil : $0.text }
    }
    return words.isEmpty ? nil : words.joined(separator: "+")
  }

  /// The savers of a label, in whichever order they are written.
  static func words(_ label: String) -> Set<Substring> { Set(label.split(separator: "+")) }

  /// Whether it saves by computing again, and by nothing else.
  static func isCheckpointingAlone(in case: Case) -> Bool {
    axes.allSatisfy { axis, neutral in
      axis == checkpointing || `case`.axes[axis].map { $0.text == neutral } ?? true
    }
  }

  /// What cases have in common that differ in their savers alone.
  static func key(of case: Case) -> Case {
    var axes = `case`.axes
    for name in Self.axes.keys { axes[name] = nil }
    return Case(workload: `case`.workload, axes: axes)
  }
}
