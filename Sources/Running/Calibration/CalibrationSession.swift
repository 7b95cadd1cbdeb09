package import Comparing
import Foundation
import Kernels
import Measuring
package import Planning
import Quantities
package import Records
import Statistics
import SystemPackage

/// Looks at one program again and again, while nothing changes: from session to session, and linked
/// anew.
package final class CalibrationSession {
  package let machine: Machine
  private let plan: Plan
  private let program: GateBuild
  private let host: any Host
  private let runner: PairRunner
  private let cases: [PlannedCase]

  package static var thisMachine: Machine {
    MachineReader().read(visibleCores: ThreadPool.allowedCPUs.count)
  }

  package static func open(_ plan: Plan, cpus: [Int]) async throws -> CalibrationSession {
    let host = try SystemHost()
    let program = try await GateBuild.open(
      try OwnProgram.path().string, side: "program", on: host)
    return CalibrationSession(plan, program, cpus: cpus, on: host, machine: thisMachine)
  }

  package init(
    _ plan: Plan, _ program: GateBuild, cpus: [Int], on host: any Host, machine: Machine
  ) {
    self.plan = plan
    self.program = program
    self.machine = machine
    self.host = host
    runner = PairRunner(
      setting: GateSetting(
        host: host, cpus: cpus, seed: plan.measure.seed, timeout: plan.measure.timeout,
        lastLevelCache: machine.lastLevelCache))
    cases = plan.cases.filter { !$0.isCompetitor }
  }

  /// One look at all cases.
  ///
  /// - Parameter now: the time of day, as it is stored.
  package func session(now: () -> String) async throws -> Calibration.Session {
    var seconds: [String: Double] = [:]
    for planned in cases {
      var times: [Double] = []
      for _ in 0..<Self.blocksPerSession {
        let pair = try await pair(planned, program)
        times += pair.base + pair.head
      }
      seconds[planned.case.id] = try Sample(times).median
    }
    return Calibration.Session(
      at: now(), suite: plan.suite.name, program: try Self.identity(of: program),
      seconds: seconds)
  }

  /// Against as many programs of the same objects, each linked in an order of its own.
  ///
  /// - Parameter begin: is told of each before it is linked, from 1 on.
  package func relinks(_ count: Int, now: () -> String, on begin: (Int) -> Void) async throws
    -> Calibration.Relinks
  {
    let relinker = try Relinker(program: program.program)
    var differences: [String: [Double]] = [:]
    for index in 0..<count {
      begin(index + 1)
      let path = try await relinker.link(
        seed: plan.measure.seed &+ UInt64(index), into: host.folder)
      defer { try? FileManager.default.removeItem(atPath: path.string) }
      let other = try await GateBuild.open(path.string, side: "relinked", on: host)
      var blocks: [String: [Double]] = [:]
      for _ in 0..<Self.blocks {
        for planned in cases {
          blocks[planned.case.id, default: []].append(try await pair(planned, other).difference)
        }
      }
      for (name, values) in blocks {
        differences[name, default: []].append(try Sample(values).median)
      }
    }
    return Calibration.Relinks(
      at: now(), suite: plan.suite.name, builds: count, differences: differences)
  }

  /// Six processes: what they differ by is not the session's.
  private static let blocksPerSession = 3

  /// For each case and build.
  private static let blocks = 11

  private func pair(_ planned: PlannedCase, _ other: GateBuild) async throws -> PairedBlock {
    do {
      return try await runner.run(
        planned, of: Sides(base: program, head: other), isChecked: false
      ).block
    } catch let failure as SideFailure {
      throw failure.failure.refusal(of: planned)
    }
  }

  /// The bytes of the program: sessions of another one are not compared with these.
  private static func identity(of build: GateBuild) throws -> String {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: build.program.string), options: .mappedIfSafe)
    return Digest(data).text
  }
}
