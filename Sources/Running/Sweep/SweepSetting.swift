import Foundation
package import Quantities
package import Records
package import SystemPackage
import Synchronization

/// What all cases of a sweep share.
package final class SweepSetting: Sendable {
  package let program: FilePath
  package let host: any Host
  package let machine: Machine
  package let ceilings: Ceilings
  /// The processors that cases are bound to, in order.
  package let cpus: [Int]
  package let seed: UInt64
  /// The relative half-width at which a case may stop.
  package let within: Double
  package let budget: Seconds
  package let timeout: Seconds
  package let runs: Int
  package let sampling: Sampling
  package let dump: Dump?
  private let names = Mutex(0)

  /// A folder for files of what cases compute on, and how many further calls each holds.
  package struct Dump: Sendable {
    package let folder: String
    package let steps: Int

    package init(folder: String, steps: Int) {
      self.folder = folder
      self.steps = steps
    }

    /// - Throws: `Fault` where it cannot be made.
    func makeFolder() throws {
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw Fault(
          "the folder for what cases compute on cannot be made", at: folder,
          fix: "give --dump a folder that can be written")
      }
    }

    /// A case's file: ids are longer than names may be.
    func order(of case: Case) -> WorkOrder.Dump {
      WorkOrder.Dump(
        path: "\(folder)/\(`case`.workload)-\(Digest(path: `case`.id).text).safetensors",
        id: `case`.id, steps: steps)
    }
  }

  package struct Sampling: Sendable {
    package var block = Seconds(0.1)
    package var sample = Seconds(0.001)
    package init() {}
  }

  package init(
    program: FilePath, host: any Host, machine: Machine, ceilings: Ceilings, cpus: [Int],
    seed: UInt64, within: Double, budget: Seconds, timeout: Seconds, runs: Int,
    sampling: Sampling = Sampling(), dump: Dump? = nil
  ) {
    self.program = program
    self.host = host
    self.machine = machine
    self.ceilings = ceilings
    self.cpus = cpus
    self.seed = seed
    self.within = within
    self.budget = budget
    self.timeout = timeout
    self.runs = runs
    self.sampling = sampling
    self.dump = dump
  }

  /// A file name that no other child of this sweep has.
  func nextName() -> String {
    names.withLock { count in
      count += 1
      return "child-\(count)"
    }
  }
}
