import Kernels
import Measuring
import Quantities
import Synchronization

/// The operating system's limit over a child, above the ledger's budget, so that the ledger
/// refuses first: what counts now + budget + 32 MiB, and what the system counts of each tensor beyond
/// its bytes.
final class ChildMemoryLimit: Sendable {
  /// What the harness itself may still take: samples, JSON, the reference's rows.
  private static let slack = Bytes.mebibytes(32)

  private let mechanism: SystemMemoryLimit
  private let limit: Mutex<Bytes>
  private let ledger: MemoryLedger

  /// Enters before the case allocates anything, or what it has stays charged elsewhere.
  init(budget: Bytes, offered: SystemMemoryLimit, ledger: MemoryLedger) throws {
    // A group that cannot be entered leaves the other mechanism.
    let entered = (try? offered.enter()) != nil
    mechanism = entered ? offered : .dataSize(because: "the control group could not be entered")
    self.ledger = ledger
    limit = Mutex((mechanism.currentUsage().value ?? .zero) + budget + Self.slack)
    try raise(by: .zero)
    ledger.onPadding { [weak self] bytes in try self?.raise(by: bytes) }
  }

  /// For copies that only the harness makes, and for what pages have beyond tensors.
  func raise(by bytes: Bytes) throws {
    let raised = try limit.withLock { limit in
      limit += bytes
      try mechanism.set(limit)
      return limit
    }
    if case .dataSize = mechanism { ledger.note(dataLimit: raised) }
  }
}
