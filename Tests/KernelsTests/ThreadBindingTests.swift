import Foundation
import Glibc
import Kernels
import Quantities
import Synchronization
import Testing

extension Threaded {
  struct ThreadBindingTests {
    private static let cores = ThreadPool.allowedCPUs.count

    @Test(arguments: [1, 2].filter { $0 <= cores })
    func `each part runs once, on a thread of its own`(threads: Int) throws {
      let task = Roll(parts: threads)
      let repeated = Roll(parts: threads)
      try scoped {
        let pool = try ThreadPool(threads: threads)
        pool.run(task)
        for _ in 0..<10 { pool.run(repeated) }
      }
      #expect(task.counts == Array(repeating: 1, count: threads))
      #expect(repeated.counts == Array(repeating: 10, count: threads))
      #expect(Set(task.places.map(\.thread)).count == threads)
      #expect(task.toldParts == [threads])
    }

    @Test(.enabled(if: cores >= 2)) func `a call's writes are seen when it returns`() throws {
      let late = try scoped {
        let pool = try ThreadPool(threads: 2)
        let relay = Relay()
        return (1...2000).filter { value in
          relay.next = value
          pool.run(relay)
          return relay.written != [value, value]
        }
      }
      #expect(late == [])
    }

    @Test(arguments: ThreadPool.allowedCPUs)
    func `a processor that is named is the one that is bound`(cpu: Int) throws {
      let task = Roll(parts: 1)
      let pool = try scoped {
        let pool = try ThreadPool(threads: 1, cpus: [cpu])
        pool.run(task)
        return pool
      }
      #expect(pool.cpus == [cpu])
      #expect(task.places.map(\.cpus) == ["\(cpu)"])
    }

    @Test(.enabled(if: cores >= 2)) func `a list of processors is taken in its order`() throws {
      let backwards = Array(ThreadPool.allowedCPUs.reversed())
      let task = Roll(parts: 2)
      try scoped { try ThreadPool(threads: 2, cpus: backwards).run(task) }
      #expect(task.places.map(\.cpus) == backwards.prefix(2).map(String.init))
    }

    @Test func `a bound thread does not narrow what later pools may use`() throws {
      let cpus = try scoped {
        let bound = try ThreadPool(threads: 1, cpus: [ThreadPool.allowedCPUs[0]])
        return try withExtendedLifetime(bound) { try ThreadPool(threads: Self.cores).cpus }
      }
      #expect(cpus == ThreadPool.allowedCPUs)
    }

    @Test func `more threads than cores are refused`() throws {
      let fault = try #require(throws: ThreadPoolFault.self) {
        try scoped { try ThreadPool(threads: 2, cpus: [ThreadPool.allowedCPUs[0]]) }
      }
      #expect(fault == .tooMany(asked: 2, cores: 1))
      #expect(
        fault.fault
          == Fault(
            "threads is 2, and this process may use 1 core", fix: "use at most 1 threads, or all"))
      let cores = Self.cores
      #expect(throws: ThreadPoolFault.tooMany(asked: cores + 1, cores: cores)) {
        try scoped { try ThreadPool(threads: cores + 1) }
      }
      #expect(
        ThreadPoolFault.tooMany(asked: 9, cores: 4).fault.what
          == "threads is 9, and this process may use 4 cores")
    }

    /// Neither thread's processor: a worker that could not be bound would run anywhere, unseen.
    @Test(arguments: [[1023], [ThreadPool.allowedCPUs[0], 1023], [-1]])
    func `a processor that cannot be used is refused`(cpus: [Int]) throws {
      let fault = try #require(throws: ThreadPoolFault.self) {
        try scoped { try ThreadPool(threads: cpus.count, cpus: cpus) }
      }
      #expect(fault.fault.what.hasPrefix("processor \(cpus.last ?? 0) cannot be used"))
      #expect(
        fault.fault.mend
          == "name processors that this process may use: \(ThreadPool.allowedCPUs)")
    }

    @Test(.enabled(if: cores >= 2)) func `parked workers wake for a call`() throws {
      let task = Roll(parts: 2)
      try scoped {
        let pool = try ThreadPool(threads: 2)
        pool.run(task)
        task.places[1].waitUntilAsleep()
        pool.run(task)
      }
      #expect(task.counts == [2, 2])
    }

    @Test(arguments: [1, 2].filter { $0 <= cores })
    func `a pool that goes gives its caller's processors back`(threads: Int) throws {
      let before = Place.current
      let during = try scoped {
        let pool = try ThreadPool(threads: threads)
        return withExtendedLifetime(pool) { Place.current }
      }
      #expect(during.cpus == "\(ThreadPool.allowedCPUs[0])")
      #expect(Place.current.cpus == before.cpus)
    }

    @Test(.enabled(if: cores >= 2)) func `a pool whose workers are parked can be torn down`()
      throws
    {
      let task = Roll(parts: 2)
      let gone = try scoped {
        let pool = try ThreadPool(threads: 2)
        pool.run(task)
        task.places[1].waitUntilAsleep()
        return Weak(pool)
      }
      #expect(gone.pool == nil)
    }

  }
}

private struct Weak {
  weak var pool: ThreadPool?

  init(_ pool: ThreadPool) { self.pool = pool }
}

/// Counts each part's runs and notes where it ran.
private final class Roll: ParallelTask, Sendable {
  private struct State {
    var counts: [Int]
    var places: [Place?]
    var told: Set<Int> = []
  }

  private let state: Mutex<State>

  init(parts: Int) {
    state = Mutex(
      State(
        counts: Array(repeating: 0, count: parts), places: Array(repeating: nil, count: parts)))
  }

  var counts: [Int] { state.withLock { $0.counts } }
  var places: [Place] { state.withLock { $0.places.compactMap { $0 } } }
  var toldParts: Set<Int> { state.withLock { $0.told } }

  func run(part: Int, of parts: Int) {
    let place = Place.current
    state.withLock {
      $0.counts[part] += 1
      $0.places[part] = place
      $0.told.insert(parts)
    }
  }
}

/// A thread, and the processors that it may run on, as the kernel tells them.
private struct Place: Sendable {
  let thread: String
  let cpus: String

  static var current: Place {
    let thread = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self"))
    let status = Self.status("/proc/thread-self/status")
    return Place(thread: thread ?? "", cpus: status["Cpus_allowed_list"] ?? "")
  }

  /// Returns once the thread sleeps, which a worker without calls does by itself.
  func waitUntilAsleep() {
    while Self.status("/proc/\(thread)/status")["State"]?.hasPrefix("S") != true { sched_yield() }
  }

  private static func status(_ path: String) -> [String: String] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      fields[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    return fields
  }
}

/// Each part adds to a word of its own, without a lock: the pool alone keeps the calls apart.
private final class PartSums: ParallelTask {
  private let words: UnsafeMutablePointer<Int>
  private let parts: Int

  init(parts: Int) {
    self.parts = parts
    words = .allocate(capacity: parts * 16)
    words.initialize(repeating: 0, count: parts * 16)
  }

  deinit { words.deallocate() }

  var sums: [Int] { (0..<parts).map { words[$0 * 16] } }

  func run(part: Int, of parts: Int) { words[part * 16] += part + 1 }
}

/// Each part copies what the caller set just before.
private final class Relay: ParallelTask {
  var next = 0
  private let copies: UnsafeMutablePointer<Int>

  init() {
    copies = .allocate(capacity: 2)
    copies.initialize(repeating: 0, count: 2)
  }

  deinit { copies.deallocate() }

  var written: [Int] { [copies[0], copies[1]] }

  func run(part: Int, of parts: Int) { copies[part] = next }
}
