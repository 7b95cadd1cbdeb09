import Glibc
import Measuring
import Quantities
import Records
import Running
import Synchronization
import SystemPackage

/// A clock that stands still until somebody moves it.
final class ManualClock: NanosecondClock {
  private let nanoseconds = Mutex(0)

  func now() -> Int { nanoseconds.withLock { $0 } }

  func advance(by seconds: Seconds) {
    nanoseconds.withLock { $0 += Int((seconds.value * 1e9).rounded()) }
  }
}

/// A host that starts no program: each child follows a script, time goes by as the script says, and
/// all that is asked of it is noted.
final class FakeHost: Host {
  let manual = ManualClock()
  let folder = FilePath("/nowhere")
  /// What a control group and the machine count once a child has ended.
  let groupKills: Int?
  let machineKills: Int
  private let script: @Sendable (Asked) -> Said
  private let state = Mutex(State())

  /// - Parameter script: is asked for each line; nothing in place of a request asks for the hello.
  init(
    groupKills: Int? = nil, machineKills: Int = 0, _ script: @escaping @Sendable (Asked) -> Said
  ) {
    self.script = script
    self.groupKills = groupKills
    self.machineKills = machineKills
  }

  /// What a child is asked.
  struct Asked: Sendable {
    let host: FakeHost
    /// As the command line has it.
    let program: String
    let child: String
    /// The `nanoseconds` of the case that it was given, which tell a test's cases apart.
    let key: Int?
    /// Its blocks so far.
    let blocks: Int
    let request: Request?

    func takes(_ seconds: Seconds) { host.manual.advance(by: seconds) }
  }

  /// What it does then.
  enum Said: Sendable {
    case line(String)
    case ends(ProcessEnding, words: String = "")
    /// Nothing, until it is ended for it.
    case silence
    /// The program that asked is interrupted meanwhile.
    case interruption

    static func answer(_ answer: Answer) -> Said {
      guard let data = try? JSONText.encode(answer) else { return .silence }
      return .line(String(decoding: data, as: UTF8.self))
    }
  }

  struct Happening: Hashable, Sendable {
    let program: String
    let child: String
    let key: Int?
    let what: What

    enum What: Hashable, Sendable {
      case started, ended, stopped, prepare, finish, ceilings, probe
      case sample(calls: Int?, samples: Int?)
    }

    /// That a sample was asked to have; 0 where the worker chooses.
    var calls: Int { if case .sample(let calls, _) = what { calls ?? 0 } else { 0 } }
  }

  private struct State {
    var happenings: [Happening] = []
    var still: [[Int32]] = []
    var watched: [Int32] = []
    var environments: [[String: String]] = []
    var limits = 0
    var ended = 0
    var living: Set<String> = []
  }

  var clock: any NanosecondClock { manual }

  /// All that happened, in its order.
  var happenings: [Happening] { state.withLock { $0.happenings } }
  /// The processes that were waited for, each time.
  var still: [[Int32]] { state.withLock { $0.still } }
  var watched: [Int32] { state.withLock { $0.watched } }
  var environments: [[String: String]] { state.withLock { $0.environments } }
  /// Children that nobody ended.
  var living: Set<String> { state.withLock { $0.living } }
  /// Limits that were made and not taken away.
  var limits: Int { state.withLock { $0.limits } }

  func happenings(_ what: Happening.What) -> [Happening] { happenings.filter { $0.what == what } }

  /// Who was asked for samples, in turn.
  var samples: [Happening] {
    happenings.filter { if case .sample = $0.what { true } else { false } }
  }

  func note(_ happening: Happening) {
    state.withLock { state in
      state.happenings.append(happening)
      switch happening.what {
      case .started: state.living.insert(happening.child)
      case .ended, .stopped: state.living.remove(happening.child)
      default: break
      }
    }
  }

  func say(_ asked: Asked) -> Said { script(asked) }

  // As a host

  func start(
    _ command: WorkerCommand, name: String, environment: [String: String], patience: Seconds
  ) async throws -> any Child {
    try Task.checkCancellation()
    state.withLock { $0.environments.append(environment) }
    let said = say(
      Asked(host: self, program: command.text, child: name, key: nil, blocks: 0, request: nil))
    switch said {
    case .line(let line): _ = try Hello.read(line)
    case .ends(let ending, _): throw ChildFault.noHello(ending, program: command.text)
    case .silence: throw ChildFault.silent(patience)
    case .interruption:
      withUnsafeCurrentTask { $0?.cancel() }
      throw CancellationError()
    }
    note(Happening(program: command.text, child: name, key: nil, what: .started))
    let number = happenings(.started).count
    return FakeChild(of: self, program: command.text, name: name, process: Int32(1000 + number))
  }

  func stillness(of processes: [Int32]) async { state.withLock { $0.still.append(processes) } }

  func watchMemory(of process: Int32) -> MemoryWatch {
    state.withLock { $0.watched.append(process) }
    return MemoryWatch(seen: .measured(.mebibytes(50)))
  }

  func makeMemoryLimit(name: String) -> SystemMemoryLimit {
    state.withLock { $0.limits += 1 }
    return .dataSize(because: "it is a test's")
  }

  func remove(_ limit: SystemMemoryLimit) { state.withLock { $0.limits -= 1 } }

  func kills(in limit: SystemMemoryLimit) -> Int? { groupKills }

  func kills() -> Int? { state.withLock { 7 + $0.ended * machineKills } }

  func noteEnding() { state.withLock { $0.ended += 1 } }
}

/// What a body leaves when it is interrupted; it runs in a task of its own, so that the test's is not the
/// one that is cancelled.
func interrupted<Left: Sendable>(_ body: @escaping @Sendable () async throws -> Left) async throws
  -> Left
{
  try await Task { try await body() }.value
}
