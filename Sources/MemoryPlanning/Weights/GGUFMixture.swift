package import Models
import Foundation

/// A GGUF file's name for how its tensors are stored: most in one type, some in others.
///
/// - Source: llama.cpp's `llama-quant.cpp`, `llama_tensor_get_type`.
package struct GGUFMixture: Hashable, Sendable {
  /// As files are named: `Q4_K_M`.
  package let name: String
  private let base: GGMLType
  /// Whether it was made with a matrix of importance, which lets some tensors be smaller.
  private let hasImportance: Bool

  /// One of a model's kinds of tensors.
  package enum Tensor: Hashable, Sendable {
    case embedding, output
    case product(ModelShape.Product)
  }

  package static let names: [String] = bases.keys.sorted()

  package init?(_ name: String, hasImportance: Bool? = nil) {
    let wanted = name.uppercased().replacingOccurrences(of: "FP", with: "F")
    guard let base = Self.bases[wanted] else { return nil }
    self.name = wanted
    self.base = base
    // Those that cannot be made without one.
    self.hasImportance =
      hasImportance ?? ["IQ1", "IQ2", "IQ3_XXS"].contains { wanted.hasPrefix($0) }
  }

  private static let bases: [String: GGMLType] = [
    "F32": .f32, "F16": .f16, "BF16": .bf16, "Q4_0": .q4_0, "Q4_1": .q4_1, "Q5_0": .q5_0,
    "Q5_1": .q5_1, "Q8_0": .q8_0, "Q2_K": .q2_k, "Q2_K_S": .q2_k, "Q3_K_S": .q3_k,
    "Q3_K_M": .q3_k, "Q3_K_L": .q3_k, "Q4_K_S": .q4_k, "Q4_K_M": .q4_k, "Q5_K_S": .q5_k,
    "Q5_K_M": .q5_k, "Q6_K": .q6_k, "IQ1_S": .iq1_s, "IQ1_M": .iq1_m, "IQ2_XXS": .iq2_xxs,
    "IQ2_XS": .iq2_xs, "IQ2_S": .iq2_xs, "IQ2_M": .iq2_s, "IQ3_XXS": .iq3_xxs, "IQ3_XS": .iq3_s,
    "IQ3_S": .iq3_s, "IQ3_M": .iq3_s, "IQ4_NL": .iq4_nl, "IQ4_XS": .iq4_xs, "TQ1_0": .tq1_0,
    "TQ2_0": .tq2_0, "Q3_K": .q3_k, "Q4_K": .q4_k, "Q5_K": .q5_k,
  ]

  private var isPlain: Bool { [.f32, .f16, .bf16].contains(base) }
  private func isOne(of names: String...) -> Bool { names.contains(name) }

  /// The type of one tensor of a model.
  package func type(of tensor: Tensor, layer: Int, in model: Architecture) -> GGMLType {
    if isPlain { return base }
    let columns: Int
    let chosen: GGMLType
    switch tensor {
    case .output: (columns, chosen) = (model.hidden, output(columns: model.hidden))
    case .embedding:
      (columns, chosen) = (
        model.hidden, model.isTied ? output(columns: model.hidden) : embedding
      )
    case .product(let product):
      (columns, chosen) = (model.matrix(product).k, type(of: product, layer, model))
    }
    return chosen.fitting(columns: columns)
  }

  private func output(columns: Int) -> GGMLType {
    if columns % base.block.numbers != 0 { return .q8_0 }
    if isOne(of: "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ2_S", "IQ2_M", "IQ1_M") {
      return .q5_k
    }
    return base == .q8_0 ? .q8_0 : .q6_k
  }

  private var embedding: GGMLType {
    if isOne(of: "IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M") { return .q2_k }
    if isOne(of: "IQ2_S", "IQ2_M", "IQ3_XXS") { return .iq3_s }
    return isOne(of: "TQ1_0", "TQ2_0") ? .q4_k : base
  }

  private func type(
    of product: ModelShape.Product, _ layer: Int, _ model: Architecture
  ) -> GGMLType {
    if isOne(of: "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M") {
      return smallest(product, layer, model)
    }
    switch product {
    case .v: return values(layer, model)
    case .q, .k: return isOne(of: "IQ3_XS") ? .iq3_xxs : isOne(of: "IQ3_XXS") ? .iq2_s : base
    case .out: return attentionOutput
    case .gate, .up:
      let inMiddle = layer >= model.layers / 8 && layer < 7 * model.layers / 8
      return isOne(of: "IQ3_XS") && inMiddle ? .iq3_xxs : base
    case .down: return down(layer, model.layers)
    }
  }

  /// Of mixtures of two bits and fewer.
  private func smallest(
    _ product: ModelShape.Product, _ layer: Int, _ model: Architecture
  ) -> GGMLType {
    let isLarger = isOne(of: "IQ2_S", "IQ2_M")
    switch product {
    case .v:
      if model.heads / model.kvHeads >= 4 { return .q4_k }
      return isLarger ? .iq3_s : .q2_k
    case .down where layer < model.layers / 8: return isLarger ? .iq3_s : .q2_k
    case .out:
      if isOne(of: "IQ1_S", "IQ1_M") { return .iq2_xxs }
      return isLarger ? .iq3_s : base
    default: return base
    }
  }

  private func values(_ layer: Int, _ model: Architecture) -> GGMLType {
    let chosen = valuesOfLayer(layer, model)
    // Few heads of keys beside many layers: 70B models.
    let isLarge = model.layers == 80 && model.heads / model.kvHeads == 8
    return isLarge && [.q3_k, .q4_k].contains(chosen) ? .q5_k : chosen
  }

  private func valuesOfLayer(_ layer: Int, _ model: Architecture) -> GGMLType {
    let isGrouped = model.heads / model.kvHeads >= 4
    switch name {
    case "Q2_K": return isGrouped ? .q4_k : .q3_k
    case "Q2_K_S", "IQ3_XS", "IQ3_S": return isGrouped ? .q4_k : base
    case "IQ3_XXS": return isGrouped ? .q4_k : hasImportance ? .iq3_xxs : .iq3_s
    case "IQ3_M": return .q4_k
    case "Q3_K_M", "Q3_K": return layer < 2 ? .q5_k : .q4_k
    case "Q3_K_L": return .q5_k
    case "IQ4_NL", "IQ4_XS": return isGrouped ? .q5_k : base
    case "Q4_K_M", "Q5_K_M", "Q4_K", "Q5_K":
      return Self.takesMore(layer, model.layers) ? .q6_k : base
    case "Q4_K_S": return layer < 4 ? .q5_k : base
    default: return base
    }
  }

  private func down(_ layer: Int, _ layers: Int) -> GGMLType {
    let isEarly = layer < layers / 8
    switch name {
    case "Q2_K": return .q3_k
    case "Q2_K_S": return isEarly ? .q4_k : base
    case "IQ3_XXS": return hasImportance ? base : isEarly ? .q4_k : .q3_k
    case "Q3_K_M", "Q3_K": return layer < layers / 16 ? .q5_k : .q4_k
    case "IQ3_M": return isEarly ? .q4_k : base
    case "Q3_K_L": return .q5_k
    case "Q4_K_M", "Q5_K_M", "Q4_K", "Q5_K": return Self.takesMore(layer, layers) ? .q6_k : base
    case "IQ4_NL", "IQ4_XS": return isEarly && !hasImportance ? .q5_k : base
    case "Q4_K_S": return isEarly ? .q5_k : base
    case "Q4_0": return isEarly && hasImportance ? .q4_1 : base
    case "Q5_0": return isEarly && hasImportance ? .q5_1 : base
    default: return base
    }
  }

  private var attentionOutput: GGMLType {
    switch name {
    case "Q2_K": .q3_k
    case "IQ3_XXS": .iq3_s
    case "Q3_K_M", "Q3_K", "IQ3_M": .q4_k
    case "Q3_K_L": .q5_k
    default: base
    }
  }

  /// The first and the last eighth of layers, and each third between.
  private static func takesMore(_ layer: Int, _ layers: Int) -> Bool {
    layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
  }
}
