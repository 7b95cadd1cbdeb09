import CLinux
package import Quantities
import Synchronization

/// The account of every tensor's bytes, by role and phase, and the one place that allocates them.
///
/// Its figures stand in a shared mapping, so that the parent can still read them when the child
/// was killed. An allocation that would pass the budget throws before it happens: in Swift a
/// failed allocation traps, so nothing else may allocate tensors.
///
/// One that plans counts what it is asked for and allocates nothing: what an operation will take is
/// predicted by the code that takes it.
package final class MemoryLedger: Sendable {
  package let budget: Bytes?
  /// Whether bytes are only counted; the pointers that it gives are then not to be followed.
  package let isPlan: Bool
  private let map: LedgerMap
  private let state: Mutex<State>
  /// Bytes of a known pattern on both sides of every tensor; tests look for writes past its ends.
  private let fence: Int

  private struct State: Sendable {
    var isRotating = false
    /// Is told, before an allocation, what the system will count beyond its bytes.
    var onPadding: (@Sendable (Bytes) throws -> Void)?
    var fences: [Fence] = []
    /// What arenas take, and what of it is live.
    var reserved = Bytes.zero
    var entered = Bytes.zero
    /// The most that was live at one time with arenas counted as a whole: what a budget must have.
    var needed = Bytes.zero
  }

  private struct Fence: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let length: Int
    let name: String
  }

  /// - Parameters:
  ///   - budget: the maximum of bytes that may be live at once, the harness's copies apart.
  ///   - path: a file for the shared mapping; without one the account is private.
  ///   - fence: bytes of a known pattern on either side of each allocation.
  ///   - clock: nanoseconds, for the timeline of an account that is shared.
  /// - Throws: `LedgerFault.noMapping` where the file cannot be mapped.
  package init(
    budget: Bytes? = nil, path: String? = nil, fence: Int = 0,
    clock: @escaping @Sendable () -> Int = { Int(hr_monotonic_nanoseconds()) }
  ) throws {
    self.budget = budget
    isPlan = false
    self.fence = fence
    map = try path.map { try LedgerMap(path: $0, create: true, clock: clock) } ?? LedgerMap()
    state = Mutex(State())
    map.start(budget: budget)
  }

  /// One that only plans.
  package static func plan() -> MemoryLedger { MemoryLedger() }

  private init() {
    budget = nil
    isPlan = true
    fence = 0
    map = LedgerMap()
    state = Mutex(State())
    map.start(budget: nil)
  }

  /// Starts a phase: its peak begins at what is live now.
  package func begin(_ phase: MemoryPhase) {
    state.withLock { _ in map.begin(phase) }
  }

  /// Starts a layer of a model, within its phase: a moment that the timeline tells.
  package func begin(layer: Int) { state.withLock { _ in map.begin(layer: layer) } }

  /// Counts what the body lets come and go, and leaves it out of the timeline: it is a rehearsal of what comes.
  package func rehearsing<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock { _ in map.isRehearsing = true }
    defer { state.withLock { _ in map.isRehearsing = false } }
    return try body()
  }

  /// Leaves word of the operating system's limit, for whoever asks why the process died.
  package func note(dataLimit: Bytes) { state.withLock { _ in map.note(dataLimit: dataLimit) } }

  /// Counts what the body allocates as the harness's own copies, outside peak, budget and plan.
  package func rotating<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock { $0.isRotating = true }
    defer { state.withLock { $0.isRotating = false } }
    return try body()
  }

  /// Tells somebody, before each allocation, what the system will count beyond its bytes: whole pages,
  /// which are of 2 MiB from a size on. The budget is of bytes, and a limit of the system's is not.
  package func onPadding(_ body: @escaping @Sendable (Bytes) throws -> Void) {
    state.withLock { $0.onPadding = body }
  }

  /// Zeroed bytes, aligned to a cache line, and to 2 MiB with huge pages from 256 KiB up.
  ///
  /// - Throws: `LedgerFault` where the budget or the system refuses, and what `onPadding` throws; nothing was
  ///   allocated then.
  package func allocate(_ bytes: Bytes, role: MemoryRole) throws -> Allocation {
    try allocate(bytes, role: role, isArena: false)
  }

  private func allocate(_ bytes: Bytes, role asked: MemoryRole, isArena: Bool) throws -> Allocation
  {
    guard !isPlan else { return plan(bytes, role: asked, isArena: isArena) }
    let huge = bytes >= Allocation.hugeFrom
    let alignment = huge ? Allocation.hugePage.count : 4096
    // In front, the fence's length is rounded up so that the data keeps its alignment.
    let inFront = roundUp(fence, to: 64)
    let length = roundUp(inFront + bytes.count + fence, to: alignment) + (huge ? alignment : 0)
    try state.withLock { $0.onPadding }?(Bytes(length - bytes.count))
    return try state.withLock { state in
      let role = state.isRotating ? MemoryRole.rotation : asked
      if role != .rotation { try check(bytes, role: role, state) }
      var error: Int32 = 0
      guard let base = hr_map_private(UInt64(length), &error) else {
        map.refuse(role: role, bytes: bytes)
        throw LedgerFault.refusedBySystem(role: role, bytes: bytes, errno: error, live: map.live)
      }
      var start = base
      if huge {
        start =
          UnsafeMutableRawPointer(
            bitPattern: UInt(roundUp(Int(bitPattern: base), to: alignment))) ?? base
        // Whole huge pages alone: the last one would hold memory that nobody asked for.
        let used = inFront + bytes.count + fence
        hr_advise_huge(start, UInt64(used / alignment * alignment))
      }
      if fence > 0 {
        // The data ends where the fence behind it begins, or a write just past its end goes unseen.
        start += inFront
        let behind = Fence(start: start + bytes.count, length: fence, name: "after \(role.label)")
        let before = Fence(start: start - fence, length: fence, name: "before \(role.label)")
        for side in [before, behind] {
          side.start.initializeMemory(as: UInt8.self, repeating: Self.pattern, count: fence)
          state.fences.append(side)
        }
      }
      if !isArena {
        map.add(bytes, role: role)
      } else if role != .rotation {
        state.reserved += bytes
      }
      noteNeed(&state)
      return Allocation(
        start: start, bytes: bytes, role: role, isArena: isArena, base: base, length: length,
        ledger: self)
    }
  }

  /// Throws where more bytes would pass the budget, arenas counted as a whole.
  private func check(_ bytes: Bytes, role: MemoryRole, _ state: State) throws {
    guard let budget else { return }
    guard map.total + bytes > budget - (state.reserved - state.entered) else { return }
    map.refuse(role: role, bytes: bytes)
    throw LedgerFault.overBudget(role: role, bytes: bytes, live: map.live, budget: budget)
  }

  private func plan(_ bytes: Bytes, role: MemoryRole, isArena: Bool) -> Allocation {
    state.withLock { state in
      if !isArena { map.add(bytes, role: role) } else { state.reserved += bytes }
      noteNeed(&state)
    }
    return Allocation(
      start: Allocation.nowhere, bytes: bytes, role: role, isArena: isArena,
      base: Allocation.nowhere, length: 0, ledger: self)
  }

  /// Memory whose bytes are counted as what lies in it comes and goes, and not before.
  ///
  /// - Throws: `LedgerFault` where the budget or the system refuses.
  func reserve(_ bytes: Bytes) throws -> Allocation {
    try allocate(bytes, role: .workspace, isArena: true)
  }

  /// Something in an arena begins to live.
  func enter(_ bytes: Bytes, role: MemoryRole) {
    state.withLock { state in
      map.add(bytes, role: role)
      state.entered += bytes
      noteNeed(&state)
    }
  }

  private func noteNeed(_ state: inout State) {
    let idle = state.reserved - state.entered
    state.needed = max(state.needed, map.total + max(.zero, idle))
  }

  /// The most that was live at one time with arenas counted as a whole, their unused ends with them: the budget
  /// that all of it fits.
  package var needed: Bytes { state.withLock { $0.needed } }

  /// The same before there is an arena: throws where that would pass the budget.
  func enterChecked(_ bytes: Bytes, role: MemoryRole) throws {
    try state.withLock { state in
      try check(bytes + state.entered, role: role, state)
      map.add(bytes, role: role)
      state.entered += bytes
    }
  }

  /// Something in an arena is needed no more.
  func leave(_ bytes: Bytes, role: MemoryRole) {
    state.withLock { state in
      map.remove(bytes, role: role)
      state.entered = state.entered - bytes
    }
  }

  fileprivate func release(_ allocation: Allocation) {
    state.withLock { state in
      state.fences.removeAll {
        $0.start >= allocation.base && $0.start < allocation.base + allocation.length
      }
      if !allocation.isArena {
        map.remove(allocation.bytes, role: allocation.role)
      } else if allocation.role != .rotation {
        state.reserved = state.reserved - allocation.bytes
      }
    }
  }

  /// The sides of live tensors that something wrote over.
  package var brokenFences: [String] {
    state.withLock { state in
      state.fences.filter { fence in
        UnsafeRawBufferPointer(start: fence.start, count: fence.length)
          .contains { $0 != Self.pattern }
      }.map(\.name)
    }
  }

  /// The peak of each phase with what lived at it.
  package var plan: MemoryPlan { state.withLock { _ in map.plan } }

  /// All figures, as a parent would read them from the mapping now.
  package var snapshot: LedgerSnapshot { state.withLock { _ in map.snapshot } }

  private static let pattern: UInt8 = 0xA5
}

/// Memory of a ledger's; given back when the last reference goes.
package final class Allocation: @unchecked Sendable {
  /// From this size up, memory is aligned for huge pages and asks for them: scattered small pages
  /// of what should stay in a cache of level 2 crowd each other out of some of its sets.
  fileprivate static let hugeFrom = Bytes.kibibytes(256)
  fileprivate static let hugePage = Bytes.mebibytes(2)

  package let start: UnsafeMutableRawPointer
  package let bytes: Bytes
  package let role: MemoryRole
  /// Whether its bytes are counted as what lies in it comes and goes.
  fileprivate let isArena: Bool
  fileprivate let base: UnsafeMutableRawPointer
  fileprivate let length: Int
  private let ledger: MemoryLedger

  fileprivate init(
    start: UnsafeMutableRawPointer, bytes: Bytes, role: MemoryRole, isArena: Bool,
    base: UnsafeMutableRawPointer, length: Int, ledger: MemoryLedger
  ) {
    self.start = start
    self.bytes = bytes
    self.role = role
    self.isArena = isArena
    self.base = base
    self.length = length
    self.ledger = ledger
  }

  /// Where planned memory is: a page that no process maps.
  fileprivate static var nowhere: UnsafeMutableRawPointer {
    guard let start = UnsafeMutableRawPointer(bitPattern: 4096) else {
      preconditionFailure("4096 is an address")
    }
    return start
  }

  /// Whether there is memory behind it, or only a plan.
  var isPlan: Bool { length == 0 }

  deinit {
    ledger.release(self)
    if !isPlan { hr_unmap(base, UInt64(length)) }
  }
}

/// Why an allocation did not happen.
package enum LedgerFault: FaultConvertible {
  case overBudget(role: MemoryRole, bytes: Bytes, live: [MemoryRole: Bytes], budget: Bytes)
  case refusedBySystem(role: MemoryRole, bytes: Bytes, errno: Int32, live: [MemoryRole: Bytes])
  case noMapping(path: String, errno: Int32)

  package var fault: Fault {
    switch self {
    case .overBudget(let role, let bytes, let live, let budget):
      Fault(
        "\(bytes) of \(role.label) would pass the limit of \(budget); live: \(Self.list(live))",
        fix: "raise memory-limit, or make the case smaller")
    case .refusedBySystem(let role, let bytes, let errno, let live):
      Fault(
        "the system refused \(bytes) of \(role.label) (errno \(errno)); live: \(Self.list(live))",
        fix: "free memory on this machine, or make the case smaller")
    case .noMapping(let path, let errno):
      Fault(
        "the memory account cannot be shared (errno \(errno))", at: path,
        fix: "set TMPDIR to a folder that can be written")
    }
  }

  static func list(_ live: [MemoryRole: Bytes]) -> String {
    let parts = MemoryRole.allCases.compactMap { role in live[role].map { "\(role.label) \($0)" } }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}

/// The smallest multiple of `multiple` that is not less than a value from 0 up.
package func roundUp(_ value: Int, to multiple: Int) -> Int {
  (value + multiple - 1) / multiple * multiple
}
