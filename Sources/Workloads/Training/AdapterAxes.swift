import Kernels
import Models
package import Quantities
import Training

/// An adapter as axes of a problem.
package struct AdapterAxes: AxisGroup {
  package let adapter: AxisTextValue<AdapterAxis>
  package let targets: TargetAxis
  package let alpha: Int
  package let dropout: AxisTextValue<ShareAxis>
  package let base: ElementType

  /// What is left out is as in `defaults`; `validate` says whether the values go together.
  package init(
    _ adapter: AdapterAxis = .none, targets: TargetAxis = .all, alpha: Int = 16,
    dropout: Double = 0, base: ElementType = .fp32
  ) {
    self.adapter = AxisTextValue(adapter)
    self.targets = targets
    self.alpha = alpha
    self.dropout = AxisTextValue(ShareAxis(dropout))
    self.base = base
  }

  /// Their values where they are left out.
  static let defaults = [
    "adapter": "none", "targets": "all", "alpha": "16", "dropout": "0", "base": "fp32",
  ]

  var options: AdapterOptions {
    var options = AdapterOptions()
    options.adapter = adapter.value.adapter
    options.targets = targets.products
    options.alpha = Float(alpha)
    options.dropout = Float(dropout.value.share)
    return options
  }

  /// Settings that change nothing, each with the reason.
  var withoutEffect: [String] {
    if case .lora = adapter.value { return [] }
    let asked = [
      targets == .all ? nil : "targets", alpha == 16 ? nil : "alpha",
      dropout.value.share == 0 ? nil : "dropout",
    ]
    return asked.compactMap { $0 }.map {
      "\($0) has no effect: the adapter is \(adapter.value.axisText), and it is LoRA's"
    }
  }

  func validate(_ shape: ModelShape) throws {
    guard adapter.value != .none else {
      guard base == .fp32 else {
        throw ProblemFault(
          axis: "base", what: "without an adapter the weights are trained, in fp32",
          fix: "use an adapter, as lora(8), or leave base out")
      }
      return
    }
    if case .lora(let rank) = adapter.value {
      let targeted = targets.products.map { (product: $0, size: shape.matrix($0)) }
      if let one = targeted.first(where: { rank > min($0.size.n, $0.size.k) }) {
        throw ProblemFault(
          axis: "adapter",
          what: "a rank of \(rank) is more than \(one.product.module)'s "
            + "\(min(one.size.n, one.size.k)) outputs or inputs",
          fix: "use a rank up to \(min(one.size.n, one.size.k)), as lora(8)")
      }
    }
    if case .bottleneck(let width) = adapter.value, width > shape.hidden {
      throw ProblemFault(
        axis: "adapter", what: "a bottleneck of \(width) is wider than hidden, \(shape.hidden)",
        fix: "use a width up to \(shape.hidden)")
    }
  }
}

/// Which adapter, and how large.
package enum AdapterAxis: AxisText {
  case none
  case lora(Int)
  case prefix(Int)
  case bottleneck(Int)
  case ia3

  package static let words = ["none", "ia3"]
  package static let calls = ["lora", "prefix", "bottleneck"]

  package init?(axisText text: String) {
    if text == "none" {
      self = .none
    } else if text == "ia3" {
      self = .ia3
    } else if let rank = number(in: text, called: "lora") {
      self = .lora(rank)
    } else if let tokens = number(in: text, called: "prefix") {
      self = .prefix(tokens)
    } else if let width = number(in: text, called: "bottleneck") {
      self = .bottleneck(width)
    } else {
      return nil
    }
  }

  package var axisText: String {
    switch self {
    case .none: "none"
    case .ia3: "ia3"
    case .lora(let rank): "lora(\(rank))"
    case .prefix(let tokens): "prefix(\(tokens))"
    case .bottleneck(let width): "bottleneck(\(width))"
    }
  }

  /// Tokens before the first.
  var prefix: Int {
    if case .prefix(let tokens) = self { tokens } else { 0 }
  }

  var adapter: Adapter {
    switch self {
    case .none: .none
    case .ia3: .ia3
    case .lora(let rank): .lora(rank: rank)
    case .prefix(let tokens): .prefix(tokens: tokens)
    case .bottleneck(let width): .bottleneck(width: width)
    }
  }
}

/// Products that LoRA goes beside, as an axis.
package enum TargetAxis: String, AxisWord {
  /// All seven of a layer.
  case all
  case attention
  case mlp
  /// As LoRA's paper has it.
  case queriesAndValues = "q+v"

  var products: Set<ModelShape.Product> {
    switch self {
    case .all: Set(ModelShape.Product.allCases)
    case .attention: [.q, .k, .v, .out]
    case .mlp: [.gate, .up, .down]
    case .queriesAndValues: [.q, .v]
    }
  }
}

/// A number from 0 to less than 1, as an axis.
package struct ShareAxis: AxisText {
  package let share: Double

  package static let words: [String] = []
  package static let calls: [String] = []
  package static let takesShares = true

  package init(_ share: Double) { self.share = share }

  package init?(axisText text: String) {
    guard let share = Double(text), share >= 0, share < 1 else { return nil }
    self.share = share
  }

  package var axisText: String { share == 0 ? "0" : "\(share)" }
}
