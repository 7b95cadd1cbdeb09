import Records
import Workloads

/// Settings of a training step that save memory, as one value of several axes: each word of `lora(8)+nf4+block`
/// is a value of one of them, and all others are as they are without.
enum MemorySavers {
  /// The axes that it may set, in the order in which a word is looked for.
  private static let names = [
    "checkpointing", "loss", "precision", "adapter", "base", "optimizer", "update",
  ]
  static let none = "none"

  static func axes(among axes: [Axis]) -> [Axis] {
    axes.contains { $0.name == "checkpointing" }
      ? axes.filter { names.contains($0.name) && $0.defaultValue != nil } : []
  }

  /// A value of each axis.
  static func values(_ text: Located<String>, of axes: [Axis]) throws -> [String] {
    var values = axes.map { $0.defaultValue?.text ?? "" }
    guard text.value != none else { return values }
    var isSet = axes.map { _ in false }
    for word in text.value.split(separator: "+", omittingEmptySubsequences: false) {
      let found = names.compactMap { name in axes.firstIndex { $0.name == name } }.first {
        !isSet[$0] && axes[$0].takes(String(word), at: text.place)
      }
      guard let found else {
        throw SuiteFault.unknownWord(
          String(word), axis: AxisAlias.saver,
          known: [
            "none", "block", "tokens(512)", "bf16", "lora(8)", "nf4", "adamw8", "in-backward",
          ],
          text.place)
      }
      isSet[found] = true
      values[found] = String(word)
    }
    return values
  }
}

extension Axis {
  /// Whether a text is a value of it, and not the one that it has when it is left out.
  fileprivate func takes(_ text: String, at place: Place) -> Bool {
    text != defaultValue?.text && (try? value(text, at: place)) != nil
  }
}
