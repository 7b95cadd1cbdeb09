package import Measuring
package import Quantities
package import SystemPackage

/// The machine that children live on, as far as their parent asks it for anything: passed in, so that a
/// sweep and a gate can run where no program is started and no time goes by.
package protocol Host: Sendable {
  var clock: any NanosecondClock { get }

  /// Where children's files lie.
  var folder: FilePath { get }

  /// Starts a child and waits for its hello.
  ///
  /// - Parameters:
  ///   - name: one that no other child has: its files bear it.
  ///   - environment: beside what this program has.
  ///   - patience: how long the hello may take.
  /// - Throws: a `ChildFault`, or a `CancellationError`.
  func start(
    _ command: WorkerCommand, name: String, environment: [String: String], patience: Seconds
  ) async throws -> any Child

  /// Waits until processes take no processor time: their pools spin a while after a call.
  func stillness(of processes: [Int32]) async

  /// Looks at a child's data size now and then, since a killed one cannot be asked.
  func watchMemory(of process: Int32) -> MemoryWatch

  /// The system's limit for a child to put over itself; taken away when the child is gone.
  func makeMemoryLimit(name: String) -> SystemMemoryLimit
  func remove(_ limit: SystemMemoryLimit)

  /// The kills for want of memory that were counted in a limit's control group.
  func kills(in limit: SystemMemoryLimit) -> Int?

  /// Those that the whole machine counted since it started.
  func kills() -> Int?
}

extension Host {
  func start(_ command: WorkerCommand, name: String, patience: Seconds) async throws -> any Child {
    try await start(command, name: name, environment: [:], patience: patience)
  }
}
