import Glibc
import Quantities
import Records
import Running
import Synchronization

/// A child that follows its host's script.
final class FakeChild: Child {
  let process: Int32
  private let host: FakeHost
  private let program: String
  private let name: String
  private let state = Mutex(State())

  private struct State {
    var key: Int?
    var blocks = 0
    var ending: ProcessEnding?
    var timedOut = false
    var words: String?
  }

  init(of host: FakeHost, program: String, name: String, process: Int32) {
    self.host = host
    self.program = program
    self.name = name
    self.process = process
  }

  var timedOut: Bool { state.withLock { $0.timedOut } }

  func reply(to request: Request, timeout: Seconds) async throws -> String? {
    let (key, blocks, isGone) = state.withLock { state in
      if case .prepare(let order) = request { state.key = Self.key(of: order) }
      return (state.key, state.blocks, state.ending != nil)
    }
    guard !isGone else { return nil }
    host.note(.init(program: program, child: name, key: key, what: Self.what(request)))
    let said = host.say(
      .init(
        host: host, program: program, child: name, key: key, blocks: blocks, request: request))
    switch said {
    case .line(let line):
      if case .sample = request { state.withLock { $0.blocks += 1 } }
      return line
    case .ends(let ending, let words):
      close(ending, words: words)
      return nil
    case .silence:
      host.manual.advance(by: timeout)
      close(.signaled(SIGKILL), timedOut: true)
      return nil
    case .interruption:
      withUnsafeCurrentTask { $0?.cancel() }
      return nil
    }
  }

  func end() async -> ProcessEnding { leave(.ended, .exited(0)) }
  func stop() async -> ProcessEnding { leave(.stopped, .signaled(SIGKILL)) }
  func lastWords() async -> String? { state.withLock { $0.words } }

  private func close(_ ending: ProcessEnding, words: String? = nil, timedOut: Bool = false) {
    state.withLock { state in
      state.ending = ending
      state.words = words
      state.timedOut = timedOut
    }
    host.noteEnding()
  }

  private func leave(_ what: FakeHost.Happening.What, _ usual: ProcessEnding) -> ProcessEnding {
    let key = state.withLock { $0.key }
    host.note(.init(program: program, child: name, key: key, what: what))
    return state.withLock { state in
      let ending = state.ending ?? usual
      state.ending = ending
      return ending
    }
  }

  private static func key(of order: WorkOrder) -> Int? {
    "\(order.problem)".firstMatch(of: /nanoseconds\D*(\d+)/).flatMap { Int($0.1) }
  }

  private static func what(_ request: Request) -> FakeHost.Happening.What {
    switch request {
    case .prepare: .prepare
    case .sample(let calls, let samples): .sample(calls: calls, samples: samples)
    case .finish: .finish
    case .ceilings: .ceilings
    case .probe: .probe
    }
  }
}
