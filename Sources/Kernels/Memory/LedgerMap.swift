import CLinux
package import Quantities

/// What a ledger said at one moment, or last said before its process died.
package struct LedgerSnapshot: Sendable {
  package let phase: MemoryPhase
  /// The peak of each phase with what lived at it.
  package let plan: MemoryPlan
  package let live: [MemoryRole: Bytes]
  package let rotation: Bytes
  package let allocations: Int
  package let refusal: Refusal?
  /// The data size at which the operating system refuses, where the process put such a limit up.
  package let dataLimit: Bytes?
  /// What was live over the time; of a ledger that is shared alone.
  package let timeline: [LedgerPoint]

  /// An allocation that did not happen, and what was live instead.
  package struct Refusal: Hashable, Sendable {
    package let role: MemoryRole
    package let bytes: Bytes
    package let phase: MemoryPhase
    package let live: [MemoryRole: Bytes]
  }

  /// What was live, in words: `live in backward: weights 1.00 GiB, gradients 512 MiB`.
  package var liveWords: String {
    let held = refusal?.live ?? live
    return "live in \((refusal?.phase ?? phase).rawValue): \(LedgerFault.list(held))"
  }

  /// Reads the account of a process that may be gone.
  ///
  /// - Throws: `LedgerFault.noMapping` where the file cannot be mapped.
  package init(path: String) throws {
    self = try LedgerMap(path: path, create: false).snapshot
  }

  init(
    phase: MemoryPhase, plan: MemoryPlan, live: [MemoryRole: Bytes], rotation: Bytes,
    allocations: Int, refusal: Refusal?, dataLimit: Bytes?, timeline: [LedgerPoint]
  ) {
    self.timeline = timeline
    self.phase = phase
    self.plan = plan
    self.live = live
    self.rotation = rotation
    self.allocations = allocations
    self.refusal = refusal
    self.dataLimit = dataLimit
  }
}

/// The ledger's figures as 64-bit words in a mapping, shared with the parent or private.
///
/// Written only under the ledger's lock. Each word is written whole, so a reader of a killed
/// process's account finds at worst one allocation half entered.
final class LedgerMap: @unchecked Sendable {
  private static let size = 16384
  private static let magic = 0x4844_524D_4C45_4447

  private enum Word {
    static let magic = 0
    static let phase = 1
    static let budget = 2
    static let allocations = 3
    static let rotation = 4
    static let refusedRole = 5
    static let refusedBytes = 6
    static let refusedPhase = 7
    static let total = 8
    static let dataLimit = 9
    /// The total of the highest point of the timeline.
    static let highest = 10
    /// A bit for each phase that has begun.
    static let begun = 11
    static let live = 16
    static let liveAtRefusal = 24
    static let phases = 32
    static let phaseStride = 16
    /// Behind the first page.
    static let timeline = 512
  }

  /// The words that have a meaning.
  private static let used = Word.phases + MemoryPhase.allCases.count * Word.phaseStride

  private let words: UnsafeMutablePointer<Int>
  private let roles = MemoryRole.allCases

  /// Where the timeline is written: a private account has none, so that planning reads no clock.
  private let timeline: LedgerTimeline?
  private let clock: @Sendable () -> Int
  private var start = 0
  /// Whether what happens is a rehearsal, and no moment of the case's life.
  var isRehearsing = false

  init() {
    timeline = nil
    clock = { 0 }
    words = .allocate(capacity: Self.used)
    words.initialize(repeating: 0, count: Self.used)
    isShared = false
  }

  init(path: String, create: Bool, clock: @escaping @Sendable () -> Int = { 0 })
    throws
  {
    self.clock = clock
    var error: Int32 = 0
    guard let base = hr_map_shared(path, UInt64(Self.size), create ? 1 : 0, &error) else {
      throw LedgerFault.noMapping(path: path, errno: error)
    }
    words = base.bindMemory(to: Int.self, capacity: Self.size / 8)
    precondition(
      Word.timeline + LedgerTimeline.wordCount <= Self.size / 8, "the mapping holds a timeline")
    timeline = LedgerTimeline(words + Word.timeline)
    isShared = true
  }

  private let isShared: Bool

  deinit {
    if isShared { hr_unmap(words, UInt64(Self.size)) } else { words.deallocate() }
  }

  func start(budget: Bytes?) {
    words.update(repeating: 0, count: Self.used)
    if timeline != nil { words[Word.timeline] = 0 }
    words[Word.magic] = Self.magic
    words[Word.budget] = budget?.count ?? 0
  }

  /// Live bytes without the harness's copies.
  var total: Bytes { Bytes(words[Word.total]) }

  var live: [MemoryRole: Bytes] { byRole(from: Word.live) }

  private func byRole(from start: Int) -> [MemoryRole: Bytes] {
    var found: [MemoryRole: Bytes] = [:]
    for (index, role) in roles.enumerated() where words[start + index] > 0 {
      found[role] = Bytes(words[start + index])
    }
    return found
  }

  func begin(_ phase: MemoryPhase) {
    let number = MemoryPhase.allCases.firstIndex(of: phase) ?? 0
    words[Word.phase] = number
    notePeak()
    guard timeline != nil, !isRehearsing, words[Word.begun] & 1 << number == 0 else { return }
    words[Word.begun] |= 1 << number
    writePoint(.phase)
  }

  func begin(layer: Int) { if !isRehearsing { writePoint(.layer(layer)) } }

  func add(_ bytes: Bytes, role: MemoryRole) {
    words[Word.live + index(role)] += bytes.count
    words[Word.allocations] += 1
    if role == .rotation {
      words[Word.rotation] = max(words[Word.rotation], words[Word.live + index(role)])
    } else {
      words[Word.total] += bytes.count
      notePeak()
      if words[Word.total] > words[Word.highest], timeline != nil, !isRehearsing {
        writePoint(.high)
      }
    }
  }

  func remove(_ bytes: Bytes, role: MemoryRole) {
    words[Word.live + index(role)] -= bytes.count
    if role != .rotation { words[Word.total] -= bytes.count }
  }

  func note(dataLimit: Bytes) { words[Word.dataLimit] = dataLimit.count }

  func refuse(role: MemoryRole, bytes: Bytes) {
    words[Word.refusedRole] = index(role) + 1
    words[Word.refusedBytes] = bytes.count
    words[Word.refusedPhase] = words[Word.phase]
    for index in 0..<roles.count { words[Word.liveAtRefusal + index] = words[Word.live + index] }
    writePoint(.refusal)
  }

  /// A clock is read here and nowhere else.
  private func writePoint(_ event: LedgerPoint.Event) {
    guard let timeline else { return }
    let now = clock()
    // Time begins with the first point.
    if timeline.isEmpty { start = now }
    words[Word.highest] = max(words[Word.highest], words[Word.total])
    timeline.append(
      LedgerPoint(
        nanoseconds: now - start, phase: MemoryPhase.allCases[words[Word.phase]],
        event: event, live: live))
  }

  /// The peak of each phase with what lived at it.
  var plan: MemoryPlan {
    var phases: [MemoryPhase: [MemoryRole: Bytes]] = [:]
    for (number, phase) in MemoryPhase.allCases.enumerated() {
      let start = Word.phases + number * Word.phaseStride
      guard words[start] > 0 else { continue }
      var byRole: [MemoryRole: Bytes] = [:]
      for (offset, role) in roles.enumerated()
      where role != .rotation && words[start + 1 + offset] > 0 {
        byRole[role] = Bytes(words[start + 1 + offset])
      }
      phases[phase] = byRole
    }
    return MemoryPlan(phases)
  }

  var snapshot: LedgerSnapshot {
    let known = words[Word.magic] == Self.magic
    var refusal: LedgerSnapshot.Refusal?
    if known, words[Word.refusedRole] > 0 {
      refusal = LedgerSnapshot.Refusal(
        role: roles[words[Word.refusedRole] - 1], bytes: Bytes(words[Word.refusedBytes]),
        phase: MemoryPhase.allCases[words[Word.refusedPhase]],
        live: byRole(from: Word.liveAtRefusal))
    }
    return LedgerSnapshot(
      phase: MemoryPhase.allCases[known ? words[Word.phase] : 0],
      plan: known ? plan : MemoryPlan([:]),
      live: known ? live : [:], rotation: Bytes(known ? words[Word.rotation] : 0),
      allocations: known ? words[Word.allocations] : 0, refusal: refusal,
      dataLimit: known && words[Word.dataLimit] > 0 ? Bytes(words[Word.dataLimit]) : nil,
      timeline: known ? timeline?.points ?? [] : [])
  }

  private func index(_ role: MemoryRole) -> Int { roles.firstIndex(of: role) ?? 0 }

  private func notePeak() {
    let start = Word.phases + words[Word.phase] * Word.phaseStride
    guard words[Word.total] > words[start] else { return }
    words[start] = words[Word.total]
    for offset in 0..<roles.count { words[start + 1 + offset] = words[Word.live + offset] }
  }
}
