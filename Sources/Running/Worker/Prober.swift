import Kernels
import Measuring
import Quantities
import Records

/// The one child that measures the machine itself: all ceilings once, then short probes beside
/// the cases' blocks. Between requests its threads are parked.
final class Prober {
  private let machine: Machine
  private let teams: [Int: PoolTeam]
  private let memory: MemoryCeiling?
  private let clock = MonotonicClock()
  private let units = ComputeUnit.available

  private let room: ProbeRoom

  init(machine: Machine, threads: [Int], cpus: [Int], room: ProbeRoom) throws {
    self.room = room
    self.machine = machine
    var teams: [Int: PoolTeam] = [:]
    for count in threads {
      teams[count] = PoolTeam(pool: try ThreadPool(threads: count, cpus: cpus))
    }
    self.teams = teams
    memory = MemoryCeiling(machine: machine, threads: threads.max() ?? 1, room: room)
  }

  private static let refused = Dictionary(
    uniqueKeysWithValues: MemoryLevel.allCases.map {
      ($0, "the probes of memory were refused theirs")
    })

  /// Measures everything, and lets go of what only that needs: called once.
  func ceilings() -> Ceilings {
    var compute: [Ceilings.Compute] = []
    var bandwidth: [Ceilings.Bandwidth] = []
    for (_, team) in teams.sorted(by: { $0.key < $1.key }) {
      compute += ComputeUnit.ceilings(team, clock: clock)
      for level in MemoryLevel.allCases {
        if let measured = memory?.measure(level, team, clock: clock) { bandwidth.append(measured) }
      }
    }
    let unavailable = memory.map(\.unavailable) ?? Self.refused
    memory?.keepProbes(threads: teams.keys.max() ?? 1, within: room)
    return Ceilings(
      compute: compute, bandwidth: bandwidth, clockCost: clock.cost(),
      unavailable: unavailable.isEmpty ? nil : unavailable)
  }

  func probe(unit: String, level: MemoryLevel?, threads: Int) -> Record.Probe {
    guard let team = teams[threads], let unit = units.first(where: { $0.name == unit }) else {
      return Record.Probe(flopsPerSecond: 0, bytesPerSecond: nil)
    }
    return Record.Probe(
      flopsPerSecond: unit.measure(team, seconds: 0.002, clock: clock),
      bytesPerSecond: level.flatMap {
        memory?.probe($0, team, seconds: 0.002, clock: clock)
      })
  }
}

/// A thread pool as the team that measuring asks for.
struct PoolTeam: ThreadTeam {
  let pool: ThreadPool

  var threads: Int { pool.threads }

  func run(_ body: @escaping (Int) -> Void) { pool.run(Body(body)) }

  private final class Body: ParallelTask {
    let body: (Int) -> Void
    init(_ body: @escaping (Int) -> Void) { self.body = body }
    func run(part: Int, of parts: Int) { body(part) }
  }
}
