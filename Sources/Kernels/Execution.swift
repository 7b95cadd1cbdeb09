package import Quantities

/// What an operation is made ready with: whose memory it takes, and whose threads it runs on.
package struct Execution: Sendable {
  package let ledger: MemoryLedger
  package let pool: ThreadPool

  /// A ledger that plans goes with a pool that plans, as `planning` makes them.
  package init(ledger: MemoryLedger, pool: ThreadPool) {
    self.ledger = ledger
    self.pool = pool
  }

  /// One that only counts the bytes that preparing takes on so many threads.
  package static func planning(threads: Int) -> Execution {
    Execution(ledger: .plan(), pool: ThreadPool(planning: threads))
  }

  package var threads: Int { pool.threads }
  var isPlan: Bool { ledger.isPlan }

  /// Fills what was just allocated, each thread its part; where memory is only planned there is nothing
  /// to fill.
  func fill(_ task: some ParallelTask) {
    if !isPlan { pool.run(task) }
  }
}

/// An operation that is ready: each run is one call, reads its operands and writes its outputs.
package protocol Kernel: AnyObject {
  /// Allocates nothing and throws nothing: all of that was done before.
  func run()
  /// Tells the ledger what a call holds for a while, and does nothing else; most hold nothing but what they were
  /// made with.
  func rehearse()
  /// The library of others that it calls, by that one's own account.
  var library: String? { get }
  /// Bytes of a role that hold nothing: the ends of a cache's pages.
  var unused: [MemoryRole: Bytes] { get }
  /// The same on operands elsewhere in memory, for calls that must not find theirs in a cache;
  /// workspace may be shared, since calls do not overlap. Nil where preparing anew is all there is.
  func copy(in ledger: MemoryLedger) throws -> (any Kernel)?
}

extension Kernel {
  package func rehearse() {}
  package var library: String? { nil }
  package var unused: [MemoryRole: Bytes] { [:] }
  package func copy(in ledger: MemoryLedger) throws -> (any Kernel)? { nil }
}
