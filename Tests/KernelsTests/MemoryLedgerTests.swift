import Foundation
import Kernels
import Quantities
import Testing

@Suite struct MemoryLedgerTests {
  @Test func `an allocation that would pass the budget throws and says what was live`() throws {
    let ledger = try MemoryLedger(budget: Bytes(900))
    ledger.begin(.operands)
    let held = try ledger.allocate(Bytes(600), role: .weights)
    #expect {
      try ledger.allocate(Bytes(401), role: .workspace)
    } throws: { error in
      (error as? LedgerFault)?.fault.what
        == "401 B of workspace would pass the limit of 900 B; live: weights 600 B"
    }
    let refusal = try #require(ledger.snapshot.refusal)
    #expect(refusal.role == .workspace && refusal.bytes == Bytes(401))
    #expect(refusal.phase == .operands)
    #expect(throws: Never.self) { try ledger.allocate(Bytes(300), role: .workspace) }
    withExtendedLifetime(held) {}
  }

  @Test func `each phase has its own peak with what lived at it`() throws {
    let ledger = try MemoryLedger()
    ledger.begin(.operands)
    var scratch: Allocation? = try ledger.allocate(Bytes(100), role: .workspace)
    let weights = try ledger.allocate(Bytes(10), role: .weights)
    #expect(scratch != nil)
    scratch = nil
    ledger.begin(.run)
    let cache = try ledger.allocate(Bytes(5), role: .kvCache)
    let plan = ledger.snapshot.plan
    #expect(plan.phases[.operands] == [.workspace: Bytes(100), .weights: Bytes(10)])
    #expect(plan.phases[.run] == [.kvCache: Bytes(5), .weights: Bytes(10)])
    #expect(plan.peak == Bytes(110))
    withExtendedLifetime((weights, cache)) {}
  }

  @Test func `copies for a cold case are outside peak and budget`() throws {
    let ledger = try MemoryLedger(budget: Bytes(10))
    let copies = try ledger.rotating { try ledger.allocate(Bytes(500), role: .weights) }
    let snapshot = ledger.snapshot
    #expect(snapshot.rotation == Bytes(500))
    #expect(snapshot.plan.peak == .zero)
    withExtendedLifetime(copies) {}
  }

  @Test func `the account outlives its ledger in a file`() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("ledger-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let ledger = try MemoryLedger(path: path)
      ledger.begin(.preparation)
      _ = try ledger.allocate(Bytes(77), role: .optimizer)
    }
    let read = try LedgerSnapshot(path: path)
    #expect(read.phase == .preparation)
    #expect(read.plan.phases[.preparation] == [.optimizer: Bytes(77)])
    #expect(read.live == [:])
    #expect(read.allocations == 1)
  }

  @Test func `a file that cannot be shared is refused by name`() {
    #expect {
      try MemoryLedger(path: "/proc/no/such/place")
    } throws: { ($0 as? LedgerFault)?.fault.place == "/proc/no/such/place" }
  }

  @Test(arguments: [(1, 64), (4096, 4096), (2 << 20, 2 << 20), ((2 << 20) + 1, 2 << 20)])
  func `memory is aligned, to huge pages from their size up`(bytes: Int, alignment: Int) throws {
    let memory = try MemoryLedger().allocate(Bytes(bytes), role: .weights)
    #expect(Int(bitPattern: memory.start) % alignment == 0)
  }

  @Test(arguments: [-1, 100])
  func `a write past either end breaks a fence`(offset: Int) throws {
    let ledger = try MemoryLedger(fence: 64)
    let memory = try ledger.allocate(Bytes(100), role: .weights)
    #expect(ledger.brokenFences == [])
    memory.start.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
    #expect(ledger.brokenFences.count == 1)
  }
}

@Suite struct TensorTests {
  @Test(arguments: FloatFormat.allCases.map(\.elementType))
  func `uniform values lie in [−1, 1), centred, the same for the same seed`(type: ElementType)
    throws
  {
    let ledger = try MemoryLedger()
    let x = try ledger.tensor(type, [100, 100], .weights)
    let y = try ledger.tensor(type, [100, 100], .weights)
    x.fillUniform(seed: 7)
    y.fillUniform(seed: 7)
    let values = x.doubles(0..<x.count)
    #expect(values == y.doubles(0..<y.count))
    // A 16-bit type may round a value just below 1 up to 1.
    #expect(values.allSatisfy { -1 <= $0 && $0 <= 1 })
    // The mean of 10,000 such values has a standard deviation of 1/√30,000: 0.0058.
    #expect(abs(values.reduce(0, +) / 10_000) < 0.03)
    y.fillUniform(seed: 8)
    #expect(values != y.doubles(0..<y.count))
    #expect(x.rows == 100 && x.columns == 100)
  }
}
