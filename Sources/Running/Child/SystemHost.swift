import Glibc
package import Measuring
package import Quantities
package import SystemPackage

/// This machine, and its processes.
package struct SystemHost: Host {
  package var clock: any NanosecondClock { MonotonicClock() }
  package var folder: FilePath { scratch.path }
  /// Removed with the last reference to it.
  private let scratch: ScratchFolder

  package init() throws { scratch = try ScratchFolder() }

  package func start(
    _ command: WorkerCommand, name: String, environment: [String: String], patience: Seconds
  ) async throws -> any Child {
    try await ChildProcess.start(
      command, folder: folder, name: name, environment: environment, patience: patience)
  }

  /// The kernel counts in ticks of 10 ms, so two looks lie a little further apart.
  package func stillness(of processes: [Int32]) async {
    func times() -> [Double] {
      processes.compactMap { ProcessActivity.read(process: $0).processorTime.value?.value }
    }
    var before = times()
    for _ in 0..<20 {
      try? await Task.sleep(for: .milliseconds(11))
      let now = times()
      if now == before { return }
      before = now
    }
  }

  package func watchMemory(of process: Int32) -> MemoryWatch {
    MemoryWatch { ProcessMemory.read(process: process).data }
  }

  package func makeMemoryLimit(name: String) -> SystemMemoryLimit {
    let limit = SystemMemoryLimit.choose(leafName: "headroom-\(getpid())-\(name)")
    if let group = limit.groupPath { Leftovers.enter(group: group) }
    return limit
  }

  package func remove(_ limit: SystemMemoryLimit) {
    limit.remove()
    if let group = limit.groupPath { Leftovers.leave(group: group) }
  }

  package func kills(in limit: SystemMemoryLimit) -> Int? { limit.outOfMemoryKills().value }

  package func kills() -> Int? { MachineKills.read().value }
}
