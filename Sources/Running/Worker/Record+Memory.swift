import Kernels
import Quantities
import Records

extension Record.Memory {
  /// A ledger's account, with what the operating system says beside it.
  init(
    _ account: LedgerSnapshot, limit: Bytes?, residentPeak: Reading<[MemoryPhase: Bytes]>,
    anonymousPeak: Reading<Bytes>, file: Reading<Bytes>, harness: Reading<Bytes>,
    allocator: [String: Reading<Int>], unused: [MemoryRole: Bytes] = [:]
  ) {
    self.init(
      ledger: account.plan,
      // After a refusal what was live then counts: it was let go of since.
      live: (account.refusal?.live ?? account.live).filter { $0.key != .rotation },
      phase: account.phase, rotation: account.rotation, limit: limit,
      refused: account.refusal.map {
        Record.Refusal(role: $0.role, bytes: $0.bytes, phase: $0.phase)
      },
      allocations: account.allocations, residentPeak: residentPeak, anonymousPeak: anonymousPeak,
      file: file, harness: harness, allocator: allocator, unused: unused)
  }

  /// What the account of a child that is gone still says.
  init(after account: LedgerSnapshot, limit: Bytes?, lastSeen: Reading<Bytes>) {
    let gone = "the child ended before it could say"
    self.init(
      account, limit: limit, residentPeak: .unavailable(gone), anonymousPeak: .unavailable(gone),
      file: .unavailable(gone), harness: lastSeen, allocator: [:])
  }
}
