package import Kernels
package import Workloads

/// Every workload that can be swept, described.
package struct WorkloadCatalog: Sendable {
  package let workloads: [WorkloadDescription]

  package static let standard = WorkloadCatalog(workloads: allWorkloads)

  /// - Parameter missing: why the machine lacks a capability, if it does; tests pass their own.
  package init(
    workloads: [any Workload.Type],
    missing: @escaping @Sendable (Capability) -> String? = { $0.missing }
  ) {
    self.workloads = workloads.map { WorkloadDescription($0, missing: missing) }
  }

  package var names: [String] { workloads.map(\.name) }

  package subscript(name: String) -> WorkloadDescription? {
    workloads.first { $0.name == name }
  }

  /// The type itself, for the process that runs it: describing them all would take it longer than many
  /// a case.
  package static func open(_ name: String) -> (any Workload.Type)? {
    allWorkloads.first { $0.name == name }
  }

  /// The workload of that name, or the nearest right name.
  package func find(_ name: Located<String>) throws -> WorkloadDescription {
    guard let found = self[name.value] else {
      throw SuiteFault.unknownWorkload(name.value, known: names, name.place)
    }
    return found
  }
}
