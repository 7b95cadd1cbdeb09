import Foundation
import Kernels
import Measuring
import Quantities
package import Records
import Statistics
import SystemPackage

/// All that is known of the machine, outside any sweep.
package struct MachineSurvey: Sendable {
  package let machine: Machine
  package let build: Build
  package let conditions: Conditions
  package let ceilings: Ceilings
  package let noise: MachineNoise

  /// Measures for a few seconds.
  package static func make(cpus: [Int]) async throws -> MachineSurvey {
    let machine = MachineReader().read(visibleCores: ThreadPool.allowedCPUs.count)
    let conditions = ConditionsReader().read(visibleCores: machine.visibleCores)
    let program = try OwnProgram.path()
    let prober = try await ProberProcess.start(
      program: program, on: try SystemHost(), machine: machine,
      threads: Set([1, cpus.count]).sorted(), cpus: cpus,
      room: ProbeRoom(
        room: conditions.memory, available: conditions.availableMemory.value, needed: .zero))
    let ceilings = prober.ceilings
    let noise = try await listen(prober, machine: machine, threads: cpus.count)
    await prober.end()
    return MachineSurvey(
      machine: machine, build: await BuildReader.read(program: program), conditions: conditions,
      ceilings: ceilings, noise: noise)
  }

  /// Half a second of the probes that sweeps take beside their blocks.
  private static func listen(
    _ prober: ProberProcess, machine: Machine, threads: Int
  ) async throws -> MachineNoise {
    let count = 64
    // Any work that is as much memory's as arithmetic's: both are then probed.
    let work = Work(
      flops: 1, bytesRead: machine.lastLevelCache * 4, bytesWritten: .zero, format: .fp32)
    guard
      let choice = CeilingChoice(
        work: work, threads: threads, cache: .cold, machine: machine, ceilings: prober.ceilings)
    else {
      let reason = "no ceiling could be measured"
      return MachineNoise(probes: 0, compute: .unavailable(reason), memory: .unavailable(reason))
    }
    var probes: [Record.Probe] = []
    for _ in 0..<count { probes.append(try await prober.probe(choice.probe)) }
    func spread(_ values: [Double]) -> Reading<Double> {
      (try? Sample(values)).map { .measured(ProbeDrift(probes: $0).spread) }
        ?? .unavailable("no probe answered")
    }
    return MachineNoise(
      probes: count, compute: spread(probes.map(\.flopsPerSecond)),
      memory: spread(probes.compactMap(\.bytesPerSecond)))
  }
}
