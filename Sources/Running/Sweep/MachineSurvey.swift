import Foundation
import Glibc
import Kernels
import Measuring
package import Records
import SystemPackage

/// All that is known of the machine, outside any sweep.
package struct MachineSurvey: Sendable {
  package let machine: Machine
  package let build: Build
  package let conditions: Conditions
  package let ceilings: Ceilings

  /// Measures for a few seconds.
  package static func make(cpus: [Int]) async throws -> MachineSurvey {
    signal(SIGPIPE, SIG_IGN)
    let machine = MachineReader().read(visibleCores: ThreadPool.allowedCPUs.count)
    let conditions = ConditionsReader().read(visibleCores: machine.visibleCores)
    let program = try OwnProgram.path()
    let folder = try ScratchFolder()
    let prober = try await ProberProcess.start(
      program: program.string, folder: folder.path.string, machine: machine,
      threads: Set([1, cpus.count]).sorted(), cpus: cpus)
    let ceilings = prober.ceilings
    await prober.end()
    return MachineSurvey(
      machine: machine, build: await BuildReader.read(program: program), conditions: conditions,
      ceilings: ceilings)
  }
}
