import Glibc
package import Quantities

/// What a program's allocations that were not yet freed came to at one moment, by the calls that made
/// them, as tcmalloc's heap profiler writes it.
///
/// It holds what passed through `malloc` and `operator new` alone: memory that a program maps by
/// itself is not in it.
package struct HeapProfile: Sendable {
  package let allocations: [Allocation]
  /// What was mapped when it was written: the objects that addresses lie in.
  package let mappings: [Mapping]
  package let sampling: Sampling
  package let inUse: Bytes

  /// All allocations of one stack of calls.
  package struct Allocation: Sendable, Hashable {
    package let objects: Int
    package let bytes: Bytes
    /// Return addresses, the innermost first.
    package let stack: [UInt64]

    package init(objects: Int, bytes: Bytes, stack: [UInt64]) {
      self.objects = objects
      self.bytes = bytes
      self.stack = stack
    }
  }

  package struct Mapping: Sendable, Hashable {
    package let start: UInt64
    package let end: UInt64
    package let offset: UInt64
    package let isExecutable: Bool
    package let path: String

    package init(start: UInt64, end: UInt64, offset: UInt64, isExecutable: Bool, path: String) {
      self.start = start
      self.end = end
      self.offset = offset
      self.isExecutable = isExecutable
      self.path = path
    }
  }

  /// How the counts that were written stand to what was allocated.
  package enum Sampling: Sendable, Hashable {
    /// Every allocation was counted.
    case none
    /// Each byte had the same chance to be looked at, one in so many: `heap_v2/524288`.
    case bytes(Int)
    /// The form before it, `heap/524288`, whose counts are too low only where allocations are small.
    case older(Int)

    /// What so many sampled objects of so many bytes stand for.
    ///
    /// An object of `b` bytes is sampled with the probability `1 − e^(−b / interval)`; the older form
    /// took it for `b / interval`.
    func scale(objects: Int, bytes: Int) -> Double {
      guard objects > 0, bytes > 0 else { return 1 }
      let size = Double(bytes) / Double(objects)
      switch self {
      case .none: return 1
      case .bytes(let interval): return interval > 1 ? 1 / -expm1(-size / Double(interval)) : 1
      case .older(let interval): return size < Double(interval) ? Double(interval) / size : 1
      }
    }
  }

  init(allocations: [Allocation], mappings: [Mapping], sampling: Sampling) {
    self.allocations = allocations
    self.mappings = mappings
    self.sampling = sampling
    inUse = allocations.reduce(.zero) { Bytes($0.count.saturatingSum($1.bytes.count)) }
  }
}

extension Int {
  /// Sums of figures from outside: too large a one is as large as can be.
  func saturatingSum(_ other: Int) -> Int {
    let (sum, isOver) = addingReportingOverflow(other)
    return isOver ? .max : sum
  }
}
