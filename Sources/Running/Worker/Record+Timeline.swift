import Kernels
import Quantities
import Records

extension Record.TimelinePoint {
  /// A ledger's point, as a record tells it.
  init(_ point: LedgerPoint) {
    let mark: String? =
      switch point.event {
      case .high, .phase: nil
      case .layer(let layer): "layer \(layer)"
      case .refusal: "refused"
      }
    self.init(
      seconds: Double(point.nanoseconds) / 1e9, phase: point.phase, mark: mark, live: point.live)
  }
}
