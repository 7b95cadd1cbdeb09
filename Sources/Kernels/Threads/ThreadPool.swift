import CLinux
import Glibc
package import Quantities

/// Work that splits into parts that touch no common output.
package protocol ParallelTask: AnyObject {
  /// Does the `part`-th share of the work. All parts run at the same time, each on a thread of its own, and
  /// together they do all of it.
  func run(part: Int, of parts: Int)
}

/// Threads that stay: each bound to one processor, spinning for a while after each call and then
/// parked, so that an idle process takes no time from its neighbours.
///
/// The calling thread is part 0. A call allocates nothing.
package final class ThreadPool: @unchecked Sendable {
  package let threads: Int
  /// One processor a thread.
  package let cpus: [Int]

  private let control: UnsafeMutablePointer<Control>
  private var task: (any ParallelTask)?
  private var workers: [pthread_t] = []
  /// The calling thread, and where it might run before: it is given back when the pool goes.
  private let caller = pthread_self()
  private let callersCPUs: [Int]

  /// Words that several threads spin on, each on a cache line of its own.
  private struct Control {
    var generation: UInt32 = 0
    var pad0: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
      (0, 0, 0, 0, 0, 0, 0, 0)
    var remaining: UInt32 = 0
    var pad1: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
      (0, 0, 0, 0, 0, 0, 0, 0)
    var sleepers: UInt32 = 0
    var stopping: UInt32 = 0
  }

  /// About 50 µs of pauses: longer than the gap between two calls of a loop, shorter than a
  /// scheduler's tick.
  private static let spins = 2000

  /// The processors that this process may run on, as it was before any pool bound its threads.
  package static let allowedCPUs = cpusOfThisThread()

  private static func cpusOfThisThread() -> [Int] {
    var cpus = [Int32](repeating: 0, count: 1024)
    let count = Int(hr_allowed_cpus(&cpus, 1024))
    return cpus.prefix(count).map(Int.init)
  }

  /// - Parameter cpus: the processors to bind to, the calling thread's first; by default the
  ///   first `threads` of those that this process may use.
  /// - Throws: `ThreadPoolFault`.
  package init(threads: Int, cpus asked: [Int]? = nil) throws {
    let available = asked ?? Self.allowedCPUs
    guard threads >= 1 else { throw ThreadPoolFault.none(threads) }
    guard threads <= available.count else {
      throw ThreadPoolFault.tooMany(asked: threads, cores: available.count)
    }
    // A worker cannot throw: what it could not be bound to is refused here.
    if let cpu = available.prefix(threads).first(where: { !Self.allowedCPUs.contains($0) }) {
      throw ThreadPoolFault.unusable(cpu: cpu, errno: EINVAL)
    }
    self.threads = threads
    callersCPUs = Self.cpusOfThisThread()
    cpus = Array(available.prefix(threads))
    control = .allocate(capacity: 1)
    control.initialize(to: Control())
    try Self.bind(to: cpus[0])
    for part in 1..<max(1, threads) { try start(part) }
  }

  /// One that stands for so many threads where nothing is run.
  package init(planning threads: Int) {
    self.threads = threads
    callersCPUs = []
    cpus = []
    control = .allocate(capacity: 1)
    control.initialize(to: Control())
  }

  deinit {
    defer {
      control.deinitialize(count: 1)
      control.deallocate()
    }
    guard !cpus.isEmpty else { return }
    hr_store_release(&control.pointee.stopping, 1)
    _ = hr_fetch_add(&control.pointee.generation, 1)
    hr_futex_wake_all(&control.pointee.generation)
    for worker in workers { pthread_join(worker, nil) }
    if pthread_equal(caller, pthread_self()) != 0 {
      let cpus = callersCPUs.map(Int32.init)
      _ = hr_bind_thread(cpus, Int32(cpus.count))
    }
  }

  /// Runs each part on its thread and returns when all are done.
  @inline(__always)
  package func run(_ task: some ParallelTask) {
    guard threads > 1 else { return task.run(part: 0, of: 1) }
    dispatch(task)
  }

  private func dispatch(_ task: any ParallelTask) {
    precondition(!cpus.isEmpty, "what is only planned is not run")
    self.task = task
    hr_store_release(&control.pointee.remaining, UInt32(threads - 1))
    // The bump and the look at the sleepers are both sequentially consistent, as are the sleeper's
    // count and its look at the generation: one of the two sees the other.
    _ = hr_fetch_add(&control.pointee.generation, 1)
    if hr_load_ordered(&control.pointee.sleepers) > 0 {
      hr_futex_wake_all(&control.pointee.generation)
    }
    task.run(part: 0, of: threads)
    while hr_load_acquire(&control.pointee.remaining) != 0 { hr_pause() }
    // What a task holds must not live on until the next one.
    self.task = nil
  }

  private func start(_ part: Int) throws {
    let context = Unmanaged.passRetained(WorkerStart(pool: self, part: part))
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // Kernels keep their buffers in the ledger: the default 8 MiB would only be address space.
    pthread_attr_setstacksize(&attributes, 1 << 20)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { raw in
        guard let raw else { return nil }
        let start = Unmanaged<WorkerStart>.fromOpaque(raw).takeRetainedValue()
        let pool = start.pool
        // Not retained for as long as it works: the pool would keep itself alive. It joins its
        // threads before it goes, so that it outlives this call.
        pool._withUnsafeGuaranteedRef { $0.work(start.part) }
        return nil
      }, context.toOpaque())
    pthread_attr_destroy(&attributes)
    guard status == 0 else {
      context.release()
      throw ThreadPoolFault.noThread(errno: status)
    }
    workers.append(thread)
  }

  private final class WorkerStart {
    let pool: Unmanaged<ThreadPool>
    let part: Int
    init(pool: ThreadPool, part: Int) {
      self.pool = .passUnretained(pool)
      self.part = part
    }
  }

  private func work(_ part: Int) {
    try? Self.bind(to: cpus[part])
    var seen: UInt32 = 0
    while true {
      waitForChange(from: seen)
      seen &+= 1
      if hr_load_acquire(&control.pointee.stopping) != 0 { return }
      task?.run(part: part, of: threads)
      _ = hr_fetch_add(&control.pointee.remaining, ~0)
    }
  }

  private func waitForChange(from seen: UInt32) {
    for _ in 0..<Self.spins {
      if hr_load_acquire(&control.pointee.generation) != seen { return }
      hr_pause()
    }
    _ = hr_fetch_add(&control.pointee.sleepers, 1)
    while hr_load_ordered(&control.pointee.generation) == seen {
      hr_futex_wait(&control.pointee.generation, seen)
    }
    _ = hr_fetch_add(&control.pointee.sleepers, ~0)
  }

  private static func bind(to cpu: Int) throws {
    var list = [Int32(cpu)]
    let error = hr_bind_thread(&list, 1)
    if error != 0 { throw ThreadPoolFault.unusable(cpu: cpu, errno: error) }
  }
}

/// Why there are no such threads.
package enum ThreadPoolFault: FaultConvertible, Hashable {
  case none(Int)
  case tooMany(asked: Int, cores: Int)
  case unusable(cpu: Int, errno: Int32)
  case noThread(errno: Int32)

  package var fault: Fault {
    switch self {
    case .none(let asked):
      Fault("threads is \(asked), and at least one is needed", fix: "use threads 1 or all")
    case .tooMany(let asked, let cores):
      Fault(
        "threads is \(asked), and this process may use \(counted(cores, "core"))",
        fix: "use at most \(cores) threads, or all")
    case .unusable(let cpu, let errno):
      Fault(
        "processor \(cpu) cannot be used (errno \(errno))",
        fix: "name processors that this process may use: \(ThreadPool.allowedCPUs)")
    case .noThread(let errno):
      Fault("a thread could not be started (errno \(errno))", fix: "use fewer threads")
    }
  }
}

/// The `part`-th of `parts` nearly equal stretches of `0..<count`, cut at multiples of `grain`.
package func split(_ count: Int, part: Int, of parts: Int, grain: Int = 1) -> Range<Int> {
  let grains = (count + grain - 1) / grain
  let from = grains * part / parts * grain
  let to = grains * (part + 1) / parts * grain
  return min(count, from)..<min(count, to)
}
