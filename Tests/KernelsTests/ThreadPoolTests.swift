import CLinux
import Foundation
import Kernels
import Quantities
import Testing

@Suite struct ThreadPoolTests {
  private static let cores = ThreadPool.allowedCPUs.count

  /// Counts its parts, each in a place of its own.
  private final class Counting: ParallelTask {
    let counts: UnsafeMutablePointer<Int>
    let places: Int
    init(places: Int) {
      self.places = places
      counts = .allocate(capacity: places * 16)
      counts.initialize(repeating: 0, count: places * 16)
    }
    deinit { counts.deallocate() }
    func run(part: Int, of parts: Int) { counts[part * 16] += 1 }
    var all: [Int] { (0..<places).map { counts[$0 * 16] } }
  }

  @Test func `every part runs once a call, call after call`() throws {
    let pool = try ThreadPool(threads: Self.cores)
    let task = Counting(places: Self.cores)
    for _ in 0..<10_000 { pool.run(task) }
    #expect(task.all == [Int](repeating: 10_000, count: Self.cores))
  }

  @Test func `a call returns only when all parts are done`() throws {
    final class Summing: ParallelTask {
      let sums: UnsafeMutablePointer<Int>
      init(_ sums: UnsafeMutablePointer<Int>) { self.sums = sums }
      func run(part: Int, of parts: Int) {
        for value in stride(from: part, to: 1000, by: parts) { sums[part * 16] += value }
      }
    }
    let cores = Self.cores
    let sums = UnsafeMutablePointer<Int>.allocate(capacity: cores * 16)
    defer { sums.deallocate() }
    let pool = try ThreadPool(threads: cores)
    let task = Summing(sums)
    for _ in 0..<2_000 {
      sums.initialize(repeating: 0, count: cores * 16)
      pool.run(task)
      // 0 + 1 + … + 999
      guard (0..<cores).reduce(0, { $0 + sums[$1 * 16] }) == 499_500 else {
        Issue.record("a sum was read before it was done")
        return
      }
    }
  }

  @Test func `more threads than cores are refused with the mend`() {
    #expect {
      try ThreadPool(threads: Self.cores + 1)
    } throws: { error in
      let fault = (error as? ThreadPoolFault)?.fault
      return fault?.what.hasPrefix("threads is \(Self.cores + 1), and this process may use") == true
        && fault?.mend == "use at most \(Self.cores) threads, or all"
    }
  }

  @Test(arguments: [0, -1]) func `no thread is refused`(count: Int) {
    #expect(throws: ThreadPoolFault.none(count)) { try ThreadPool(threads: count) }
  }

  @Test func `the processors are those that were named`() throws {
    let last = try #require(ThreadPool.allowedCPUs.last)
    #expect(try ThreadPool(threads: 1, cpus: [last]).cpus == [last])
    #expect(throws: ThreadPoolFault.self) { try ThreadPool(threads: 1, cpus: [100_000]) }
  }

  @Test func `the calling thread gets its processors back`() throws {
    func processors() -> [Int32] {
      var cpus = [Int32](repeating: -1, count: 1024)
      let count = Int(hr_allowed_cpus(&cpus, 1024))
      return Array(cpus.prefix(count))
    }
    let before = processors()
    do {
      let pool = try ThreadPool(threads: 1)
      #expect(processors() == [Int32(pool.cpus[0])])
    }
    #expect(processors() == before)
  }

  /// As many threads as before are left each time.
  @Test func `a pool whose threads are parked, or never ran, can go`() throws {
    func threads() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
    let before = try threads()
    for _ in 0..<50 { _ = try ThreadPool(threads: Self.cores) }
    // Other tests' threads come and go; fifty that stayed would be seen.
    #expect(try threads() < before + 25)
  }
}
