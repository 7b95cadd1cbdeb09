import Kernels
package import Quantities

/// What is kept of each layer so that the peak of a step is within a budget, at little time.
///
/// What can be dropped is ordered by the operations that it takes to compute it again for each byte: passes over
/// memory first, then what attention gives, then products. Of what costs the same the first layers are dropped
/// first: when they are computed again, what the later ones kept is gone. A larger budget drops a beginning of
/// the same order, so that it never takes more time.
struct CheckpointingPlan {
  /// In the order in which they were dropped.
  let dropped: [Drop]
  let peak: Bytes

  /// Some of a layer's values, which are kept or dropped together.
  struct Drop: Hashable {
    let layer: Int
    let group: Group
  }

  enum Group: CaseIterable {
    case pointwise
    case attended
    case expanded
    case projected
    case middle
    case small

    var words: String {
      switch self {
      case .pointwise: "norms and SwiGLU's product"
      case .attended: "attention's output"
      case .expanded: "gate and up"
      case .projected: "q, k and v"
      case .middle: "the sum after attention"
      case .small: "what is a few numbers of each row"
      }
    }

    fileprivate init?(_ part: ValueFacts.Part) {
      switch part {
      case .pointwise: self = .pointwise
      case .attended, .scores: self = .attended
      case .expanded: self = .expanded
      case .projected: self = .projected
      case .middle: self = .middle
      case .small: self = .small
      case .input: return nil
      }
    }
  }

  /// - Parameters:
  ///   - fixed: bytes that live throughout: weights, states, workspace.
  ///   - budget: of a step's peak.
  /// - Throws: `BudgetFault` where dropping everything is not enough.
  init(
    _ graph: Graph, form: Schedule.Form, layers: Int, fixed: Bytes, budget: Bytes
  ) throws {
    let order = Group.allCases.flatMap { group in
      (0..<layers).map { Drop(layer: $0, group: group) }
    }
    var least: Bytes?
    for count in 0...order.count {
      let dropped = Set(order[..<count])
      let schedule = Schedule(graph, form: form) { Self.keeps(graph[$0], dropped) }
      let peak = fixed + schedule.peak
      if peak <= budget {
        self.dropped = Array(order[..<count])
        self.peak = peak
        return
      }
      least = min(least ?? peak, peak)
    }
    throw BudgetFault(budget: budget, least: least ?? fixed)
  }

  func keeps(_ value: ValueFacts) -> Bool { Self.keeps(value, Set(dropped)) }

  private static func keeps(_ value: ValueFacts, _ dropped: Set<Drop>) -> Bool {
    guard let layer = value.layer, let group = Group(value.part) else { return true }
    return !dropped.contains(Drop(layer: layer, group: group))
  }

  /// What it came to, in a sentence for each group that was dropped anywhere.
  var sentences: [String] {
    guard !dropped.isEmpty else { return ["everything is kept: the peak is \(peak)"] }
    return Group.allCases.compactMap { group in
      let layers = dropped.filter { $0.group == group }.map(\.layer)
      guard let first = layers.min(), let last = layers.max() else { return nil }
      let place = first == last ? "layer \(first)" : "layers \(first) to \(last)"
      return "\(group.words) of \(place): computed again"
    }
  }
}

/// A budget that no choice of what is kept obeys.
package struct BudgetFault: FaultConvertible {
  package let budget: Bytes
  /// The lowest peak that there is.
  package let least: Bytes

  package var fault: Fault {
    Fault(
      "a step takes \(least) at the least, whatever is computed again, and the budget is \(budget)",
      fix:
        "use budget(\((least.count + 1_048_575) / 1_048_576)MiB) or more, a smaller batch, or an adapter"
    )
  }
}

extension Schedule {
  /// The most that lives at one time.
  var peak: Bytes {
    var change = Array(repeating: 0, count: instructions.count + 1)
    for tenant in tenants {
      change[tenant.life.lowerBound] += tenant.bytes.count
      change[tenant.life.upperBound + 1] -= tenant.bytes.count
    }
    var (live, peak) = (0, 0)
    for one in change {
      live += one
      peak = max(peak, live)
    }
    return Bytes(peak)
  }
}
