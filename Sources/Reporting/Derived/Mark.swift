import Quantities
import Records

/// A sign beside a figure that should be read with care.
package enum Mark: String, CaseIterable, Sendable {
  case unsteady = "~"
  case wide = "!"
  case strayed = "≠"
  case unbounded = "±?"

  /// What the sign means, for a table's foot.
  package var meaning: String {
    switch self {
    case .unsteady:
      "unsteady: the machine's own speed moved by more than 15 %, or warm-up never settled"
    case .wide:
      "wide: the median is not known as well as was asked, or no better than ± 5 %"
    case .strayed: "the ledger's peak is not the predicted one"
    case .unbounded: "no interval: too few blocks, or 2 to 5 runs"
    }
  }
}

extension CaseReport {
  package var marks: [Mark] {
    guard outcome == .ok else { return [] }
    return Mark.allCases.filter(bears)
  }

  private func bears(_ mark: Mark) -> Bool {
    let latency = latency.value
    return switch mark {
    case .unsteady: clock.value?.moved == true || latency?.steady == false
    case .wide: latency.map { $0.criterionMissed != nil || $0.wide } ?? false
    case .strayed: memory.strayed
    case .unbounded: latency.map { $0.interval.value == nil } ?? false
    }
  }
}
