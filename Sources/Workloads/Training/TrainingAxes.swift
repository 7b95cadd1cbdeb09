package import Kernels
package import Quantities
package import Training

extension Optimizer.Rule: AxisWord {}

extension TrainingPrecision: AxisWord {}

extension TrainingAttention: AxisWord {}

/// When parameters are updated, as an axis.
package enum UpdateAxis: String, AxisWord {
  /// After the last gradient.
  case separate
  /// As soon as a parameter's gradient is whole.
  case inBackward = "in-backward"
}

/// The maximum of the norm of all gradients, as an axis.
package enum ClipAxis: AxisText {
  case none
  case norm(Int)

  package static let words = ["none"]
  package static let calls = ["norm"]

  package init?(axisText text: String) {
    if text == "none" {
      self = .none
    } else if let limit = number(in: text, called: "norm") {
      self = .norm(limit)
    } else {
      return nil
    }
  }

  package var axisText: String {
    switch self {
    case .none: "none"
    case .norm(let limit): "norm(\(limit))"
    }
  }

  var limit: Float? {
    if case .norm(let limit) = self { Float(limit) } else { nil }
  }
}

/// What is kept of the forward pass, as an axis.
package enum CheckpointingAxis: AxisText {
  case fixed(Checkpointing)
  /// As many segments as the root of the number of layers.
  case root
  /// As it was written.
  case budget(Bytes, text: String)

  package static let words = ["none", "pointwise", "attention", "block", "sqrt"]
  package static let calls = ["layers", "segments"]
  package static let sizes = ["budget"]

  package init?(axisText text: String) {
    switch text {
    case "none": self = .fixed(.none)
    case "pointwise": self = .fixed(.pointwise)
    case "attention": self = .fixed(.attention)
    case "block": self = .fixed(.block)
    case "sqrt": self = .root
    default:
      if let count = number(in: text, called: "layers") {
        self = .fixed(.layers(count))
      } else if let count = number(in: text, called: "segments") {
        self = .fixed(.segments(count))
      } else if text.hasPrefix("budget("), text.hasSuffix(")"),
        let bytes = Bytes(String(text.dropFirst("budget(".count).dropLast()))
      {
        self = .budget(bytes, text: text)
      } else {
        return nil
      }
    }
  }

  package var axisText: String {
    switch self {
    case .root: "sqrt"
    case .budget(_, let text): text
    case .fixed(let kept):
      switch kept {
      case .none: "none"
      case .pointwise: "pointwise"
      case .attention: "attention"
      case .block: "block"
      case .layers(let count): "layers(\(count))"
      case .segments(let count): "segments(\(count))"
      case .budget(let bytes): "budget(\(bytes.count)B)"
      }
    }
  }

  func of(layers: Int) -> Checkpointing {
    switch self {
    case .fixed(let kept): kept
    case .root: .root(of: layers)
    case .budget(let bytes, _): .budget(bytes)
    }
  }

  /// For a problem of up to two layers.
  var reduced: CheckpointingAxis {
    switch self {
    case .fixed(.layers): .fixed(.layers(1))
    case .fixed(.segments): .fixed(.segments(1))
    // A few tokens fit any budget: what is dropped is computed again by the same code.
    case .budget: .fixed(.block)
    default: self
    }
  }

  func validate(layers: Int) throws {
    let (count, what): (Int, String)
    switch self {
    case .fixed(.layers(let layers)): (count, what) = (layers, "layers that are checkpointed")
    case .fixed(.segments(let segments)): (count, what) = (segments, "segments")
    default: return
    }
    guard count <= layers else {
      throw ProblemFault(
        axis: "checkpointing", what: "\(count) \(what), and the model has \(layers) layers",
        fix: "use at most \(layers)")
    }
  }
}

extension LinearCrossEntropy.Chunks: AxisText {
  package static let words = ["whole"]
  package static let calls = ["tokens", "vocabulary"]

  package init?(axisText text: String) {
    if text == "whole" {
      self = .whole
    } else if let count = number(in: text, called: "tokens") {
      self = .tokens(count)
    } else if let count = number(in: text, called: "vocabulary") {
      self = .vocabulary(count)
    } else {
      return nil
    }
  }

  package var axisText: String {
    switch self {
    case .whole: "whole"
    case .tokens(let count): "tokens(\(count))"
    case .vocabulary(let count): "vocabulary(\(count))"
    }
  }

  /// So small that a few tokens are still cut.
  var reduced: LinearCrossEntropy.Chunks {
    switch self {
    case .whole: .whole
    case .tokens(let count): .tokens(min(4, count))
    case .vocabulary(let count): .vocabulary(min(1000, count))
    }
  }
}

/// The number of `name(number)`.
func number(in text: String, called name: String) -> Int? {
  guard text.hasPrefix("\(name)("), text.hasSuffix(")"),
    let number = Int(text.dropFirst(name.count + 1).dropLast()), number >= 1
  else { return nil }
  return number
}
