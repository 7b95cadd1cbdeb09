import Foundation
import Kernels
import Quantities
import Testing

struct LedgerAccountTests {
  @Test func `an allocation past the budget is refused with what was live`() throws {
    let ledger = try MemoryLedger(budget: .kibibytes(10))
    ledger.begin(.preparation)
    let kept = try [
      ledger.allocate(.kibibytes(6), role: .weights),
      ledger.allocate(.kibibytes(1), role: .kvCache),
    ]
    let fault = try #require(throws: LedgerFault.self) {
      try ledger.allocate(.kibibytes(4), role: .workspace)
    }
    #expect(
      fault.fault
        == Fault(
          "4.00 KiB of workspace would pass the limit of 10.0 KiB; live: weights 6.00 KiB, "
            + "KV cache 1.00 KiB", fix: "raise memory-limit, or make the case smaller"))
    let refusal = try #require(ledger.snapshot.refusal)
    #expect(refusal.role == .workspace)
    #expect(refusal.bytes == .kibibytes(4))
    #expect(refusal.phase == .preparation)
    #expect(ledger.snapshot.live == [.weights: .kibibytes(6), .kvCache: .kibibytes(1)])
    #expect(ledger.snapshot.allocations == 2)
    #expect(kept.map(\.role) == [.weights, .kvCache])
  }

  @Test func `a refusal with nothing live says so`() throws {
    let ledger = try MemoryLedger(budget: Bytes(99))
    let fault = try #require(throws: LedgerFault.self) {
      try ledger.allocate(Bytes(100), role: .weights)
    }
    #expect(
      fault.fault.what == "100 B of weights would pass the limit of 99 B; live: nothing")
  }

  @Test func `the budget may be filled to the last byte`() throws {
    let ledger = try MemoryLedger(budget: Bytes(100))
    let filled = try ledger.allocate(Bytes(100), role: .weights)
    #expect(throws: LedgerFault.self) { try ledger.allocate(Bytes(1), role: .weights) }
    #expect(filled.bytes == Bytes(100))
  }

  @Test func `what the system refuses is told with its errno`() throws {
    let ledger = try MemoryLedger()
    let kept = try ledger.allocate(Bytes(8), role: .weights)
    // 2⁶⁰ bytes are beyond any address space.
    let fault = try #require(throws: LedgerFault.self) {
      try ledger.allocate(.gibibytes(1 << 30), role: .kvCache)
    }
    #expect(fault.fault.what.contains("of KV cache (errno \(ENOMEM)); live: weights 8 B"))
    #expect(ledger.snapshot.refusal?.role == .kvCache)
    #expect(ledger.snapshot.live == [.weights: kept.bytes])
  }

  @Test func `each phase has a peak of its own, with what lived at it`() throws {
    let ledger = try MemoryLedger()
    ledger.begin(.operands)
    let weights = try ledger.allocate(Bytes(100), role: .weights)
    ledger.begin(.preparation)
    var packed: Allocation? = try ledger.allocate(Bytes(40), role: .weights)
    #expect(packed?.bytes == Bytes(40))
    packed = nil
    let workspace = try ledger.allocate(Bytes(30), role: .workspace)
    ledger.begin(.run)
    // 140 at the peak of preparation, not 100 + 40 + 30: they did not live together.
    #expect(
      ledger.snapshot.plan.phases == [
        .operands: [.weights: Bytes(100)],
        .preparation: [.weights: Bytes(140)],
        .run: [.weights: Bytes(100), .workspace: Bytes(30)],
      ])
    #expect(ledger.snapshot.phase == .run)
    #expect(ledger.snapshot.plan.peak == Bytes(140))
    #expect(weights.bytes + workspace.bytes == Bytes(130))
  }

  @Test func `a phase that comes again keeps the higher peak`() throws {
    let ledger = try MemoryLedger()
    ledger.begin(.run)
    var first: Allocation? = try ledger.allocate(Bytes(64), role: .activations)
    #expect(first != nil)
    first = nil
    ledger.begin(.run)
    let second = try ledger.allocate(Bytes(10), role: .workspace)
    #expect(ledger.snapshot.plan.phases == [.run: [.activations: Bytes(64)]])
    #expect(ledger.snapshot.live == [.workspace: second.bytes])
  }

  @Test func `the harness's copies stand outside of peak and budget`() throws {
    let ledger = try MemoryLedger(budget: Bytes(100))
    ledger.begin(.run)
    let own = try ledger.allocate(Bytes(90), role: .weights)
    let copies = try ledger.rotating {
      try (0..<3).map { _ in try ledger.allocate(Bytes(90), role: .weights) }
    }
    #expect(copies.map(\.role) == [.rotation, .rotation, .rotation])
    #expect(ledger.snapshot.plan.phases == [.run: [.weights: Bytes(90)]])
    #expect(ledger.snapshot.rotation == Bytes(270))
    #expect(ledger.snapshot.live == [.weights: Bytes(90), .rotation: Bytes(270)])
    // Afterwards the budget counts again, without the copies.
    let last = try ledger.allocate(Bytes(10), role: .workspace)
    #expect(throws: LedgerFault.self) { try ledger.allocate(Bytes(1), role: .workspace) }
    #expect(own.bytes + last.bytes == Bytes(100))
    withExtendedLifetime(copies) {}
  }

  @Test func `copies that could not be made do not leave the ledger rotating`() throws {
    struct Stop: Error {}
    let ledger = try MemoryLedger()
    #expect(throws: Stop.self) { try ledger.rotating { throw Stop() } }
    #expect(try ledger.allocate(Bytes(1), role: .weights).role == .weights)
  }

  @Test func `memory is given back with the last reference`() throws {
    let ledger = try MemoryLedger(budget: Bytes(100))
    for _ in 0..<10 {
      let tensor = try ledger.tensor(.fp32, [5, 5], .weights)
      #expect(ledger.snapshot.live == [.weights: tensor.bytes])
    }
    #expect(ledger.snapshot.live == [:])
    #expect(ledger.snapshot.allocations == 10)
    #expect(ledger.snapshot.plan.peak == Bytes(100))
  }

  @Test func `fresh memory is zero`() throws {
    let tensor = try MemoryLedger().tensor(.fp32, [33, 3], .weights)
    #expect(tensor.doubles(0..<99).allSatisfy { $0 == 0 })
  }

  @Test func `the parent reads the account, while its owner lives and after`() throws {
    let path = NSTemporaryDirectory() + "ledger-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try scoped {
      let ledger = try MemoryLedger(budget: Bytes(200), path: path)
      ledger.begin(.preparation)
      let weights = try ledger.allocate(Bytes(150), role: .adapters)
      #expect(throws: LedgerFault.self) {
        try ledger.allocate(weights.bytes, role: .optimizer)
      }
      let seen = try LedgerSnapshot(path: path)
      #expect(seen.live == [.adapters: Bytes(150)])
      #expect(seen.phase == .preparation)
      #expect(seen.plan == ledger.snapshot.plan)
    }
    let left = try LedgerSnapshot(path: path)
    #expect(left.live == [:])
    #expect(left.allocations == 1)
    #expect(left.plan.phases == [.preparation: [.adapters: Bytes(150)]])
    #expect(left.refusal?.role == .optimizer)
    #expect(left.refusal?.bytes == Bytes(150))
    #expect(left.refusal?.phase == .preparation)
  }

  @Test func `an account is wiped when another ledger takes its file`() throws {
    let path = NSTemporaryDirectory() + "ledger-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try MemoryLedger(path: path).allocate(Bytes(7), role: .weights)
    _ = try MemoryLedger(path: path)
    let seen = try LedgerSnapshot(path: path)
    #expect(seen.plan.peak == .zero)
    #expect(seen.allocations == 0)
  }

  @Test func `a file that is no account reads as an empty one`() throws {
    let path = NSTemporaryDirectory() + "ledger-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(repeating: 0x5A, count: 16384).write(to: URL(fileURLWithPath: path))
    let seen = try LedgerSnapshot(path: path)
    #expect(seen.live == [:])
    #expect(seen.plan.peak == .zero)
    #expect(seen.refusal == nil)
    #expect(seen.rotation == .zero)
    #expect(seen.allocations == 0)
  }

  @Test func `a file that is too short for an account is refused`() throws {
    let path = NSTemporaryDirectory() + "ledger-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    // As a child leaves it that is killed between making the file and stretching it.
    try Data().write(to: URL(fileURLWithPath: path))
    #expect(throws: LedgerFault.self) { try LedgerSnapshot(path: path) }
  }

  @Test func `a mapping that cannot be made names the file`() throws {
    let path = "/nonexistent/ledger"
    let fault = try #require(throws: LedgerFault.self) { try MemoryLedger(path: path) }
    #expect(
      fault.fault
        == Fault(
          "the memory account cannot be shared (errno \(ENOENT))", at: path,
          fix: "set TMPDIR to a folder that can be written"))
    #expect(throws: LedgerFault.self) { try LedgerSnapshot(path: path) }
  }

  /// 100 is no multiple of a cache line: with 3,890 bytes two fences of 100 fit a page, but not
  /// after the one in front is rounded up to 128.
  @Test(arguments: [64, 100, 256], [1, 3890, (2 << 20) + 5])
  func `a byte written beside a tensor breaks the fence there`(fence: Int, bytes: Int) throws {
    let ledger = try MemoryLedger(fence: fence)
    let weights = try ledger.allocate(Bytes(bytes), role: .weights)
    let other = try ledger.allocate(Bytes(bytes), role: .kvCache)
    weights.start.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
    #expect(Int(bitPattern: weights.start) % 64 == 0)
    #expect(ledger.brokenFences == [])
    weights.start.storeBytes(of: 0, toByteOffset: bytes, as: UInt8.self)
    #expect(ledger.brokenFences == ["after weights"])
    other.start.storeBytes(of: 0, toByteOffset: -1, as: UInt8.self)
    #expect(ledger.brokenFences == ["after weights", "before KV cache"])
    other.start.storeBytes(of: 0, toByteOffset: bytes + fence - 1, as: UInt8.self)
    #expect(ledger.brokenFences == ["after weights", "before KV cache", "after KV cache"])
  }

  @Test func `a fence goes with its tensor`() throws {
    let ledger = try MemoryLedger(fence: 64)
    try scoped {
      let tensor = try ledger.tensor(.fp32, [4], .weights)
      tensor.pointer(to: Float.self)[4] = 1
      #expect(ledger.brokenFences == ["after weights"])
    }
    #expect(ledger.brokenFences == [])
  }

  @Test func `fences are no part of the account`() throws {
    let ledger = try MemoryLedger(budget: Bytes(10), fence: 256)
    let exact = try ledger.allocate(Bytes(10), role: .weights)
    #expect(ledger.snapshot.live == [.weights: exact.bytes])
  }
}
