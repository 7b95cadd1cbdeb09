import Comparing
import OrderedCollections
import Planning
import Quantities
import Records
import Running
import SystemPackage

/// A gate on a fake host.
struct FakeGate {
  let plan: Plan
  let host: FakeHost

  init(_ plan: Plan, on host: FakeHost) {
    self.plan = plan
    self.host = host
  }

  static func build(_ program: String, of plan: Plan) -> GateBuild {
    GateBuild(
      program: FilePath(program), build: Plans.build,
      axes: ["self-test": Set(plan.cases.flatMap(\.case.axes.keys))],
      variants: ["self-test": ["portable"]])
  }

  func session(_ change: (inout GateSession.Options) -> Void = { _ in }) throws -> GateSession {
    var options = GateSession.Options(cpus: [0, 1], relinkFloor: .measured(0))
    change(&options)
    return try GateSession(
      plan, Sides(base: Self.build("/base", of: plan), head: Self.build("/head", of: plan)),
      copy: Self.build("/copy", of: plan), options, on: host, machine: Plans.machine,
      conditions: Plans.conditions)
  }

  @discardableResult
  func run(_ change: (inout GateSession.Options) -> Void = { _ in }) async throws -> GateResult {
    let session = try session(change)
    try await session.run { _ in }
    return session.result
  }

  /// The blocks in their order, each as the programs that had its turns.
  var blocks: [[String]] {
    var blocks: [[String]] = []
    var children: Set<String> = []
    for turn in host.samples {
      // A block has two processes of its own.
      if blocks.isEmpty || (children.count == 2 && !children.contains(turn.child)) {
        blocks.append([])
        children = []
      }
      children.insert(turn.child)
      blocks[blocks.count - 1].append(String(turn.program.dropFirst()))
    }
    return blocks
  }
}

extension FakeHost.Asked {
  /// What a gate's worker answers: so many times as slow as base, and always alike.
  func gated(head ratio: Double = 1) -> FakeHost.Said {
    guard case .sample(let calls, let samples) = request else { return well }
    let seconds = 0.001 * (program == "/head" ? ratio : 1) * Double(calls ?? 1)
    takes(Seconds(seconds * Double(samples ?? 1)))
    return .answer(.block(samples: Array(repeating: seconds, count: samples ?? 1)))
  }
}
