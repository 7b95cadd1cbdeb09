import Kernels
import Measuring
import Quantities

/// The operating system's limit over a child, above the ledger's budget, so that the ledger
/// refuses first: what counts now + budget + 32 MiB.
final class ChildMemoryLimit {
  /// What the harness itself may still take: samples, JSON, the reference's rows.
  private static let slack = Bytes.mebibytes(32)

  private let mechanism: SystemMemoryLimit
  private var limit: Bytes
  private let ledger: MemoryLedger

  /// Enters before the case allocates anything, or what it has stays charged elsewhere.
  init(budget: Bytes, offered: SystemMemoryLimit, ledger: MemoryLedger) throws {
    // A group that cannot be entered leaves the other mechanism.
    let entered = (try? offered.enter()) != nil
    mechanism = entered ? offered : .dataSize(because: "the control group could not be entered")
    self.ledger = ledger
    limit = (mechanism.currentUsage().value ?? .zero) + budget + Self.slack
    try set()
  }

  /// For copies that only the harness makes.
  func raise(by bytes: Bytes) throws {
    limit += bytes
    try set()
  }

  private func set() throws {
    try mechanism.set(limit)
    if case .dataSize = mechanism { ledger.note(dataLimit: limit) }
  }
}
