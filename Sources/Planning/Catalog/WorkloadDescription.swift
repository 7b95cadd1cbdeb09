package import Kernels
package import Quantities
package import Records
package import Workloads

/// A workload with its types hidden: what a plan and a list need to know of it.
package struct WorkloadDescription: Sendable {
  package let type: any Workload.Type
  package let name: String
  package let about: String
  /// The axes of its problems, in the order in which the problem declares them.
  package let axes: [Axis]
  /// Likewise, with the harness's behind them: the axes of a case in their fixed order.
  package let allAxes: [Axis]
  package let variants: [VariantDescription]

  package init(
    _ type: any Workload.Type, missing: @escaping @Sendable (Capability) -> String?
  ) {
    self.type = type
    name = type.name
    about = type.about
    let axes = type.axes
    let variants = Self.variants(type, missing: missing)
    self.axes = axes
    self.variants = variants
    allAxes = axes + HarnessAxis.allCases.map { Axis($0, variants: variants.map(\.name)) }
  }

  /// The best own variant that this machine supports: the last one listed.
  package var best: VariantDescription? {
    variants.last { $0.kind == .own && $0.unavailable == nil }
  }

  /// What `variant: all` stands for: all but the reference.
  package var contenders: [VariantDescription] { variants.filter { $0.kind != .reference } }

  /// One of its variants, or a command that speaks the worker's protocol.
  package func variant(named name: String) -> VariantDescription? {
    if name.hasPrefix(VariantDescription.command) {
      return VariantDescription(name: name, kind: .competitor) { nil }
    }
    return variants.first { $0.name == name }
  }
}

/// What a list says of a variant.
package struct VariantDescription: Sendable {
  package let name: String
  package let kind: VariantKind
  /// What a variant's name starts with that is a command of the user's own.
  package static let command = "exec:"
  /// What a case says that leaves the choice to the build.
  package static let best = "best"

  /// Why this machine cannot run it, if it cannot.
  package var unavailable: String? { missing() }
  /// Looked at when asked: a library is opened to know.
  fileprivate let missing: @Sendable () -> String?
}

extension WorkloadDescription {
  /// A problem from the values of its axes by their names in suites.
  package func problem(_ values: (String) -> AxisValue?) throws -> any BoundProblem {
    var fields = [String: AxisValue](minimumCapacity: axes.count)
    for axis in axes {
      // A word stays a word, though it may look like a number.
      fields[axis.label] = values(axis.name).map { axis.isNumber ? $0 : .word($0.text) }
    }
    return try type.bind(fields)
  }

  /// What preparing and running allocate.
  package func memory(of problem: any BoundProblem, variant: String, threads: Int) throws
    -> MemoryPlan
  {
    try rehearsal(of: problem, variant: variant, threads: threads).plan
  }

  /// The same, with the budget that it needs.
  package func rehearsal(of problem: any BoundProblem, variant: String, threads: Int) throws
    -> Rehearsal
  {
    // What a command allocates is its own affair.
    if variant.hasPrefix(VariantDescription.command) {
      return Rehearsal(plan: MemoryPlan([:]), needed: .zero)
    }
    guard let found = try problem.rehearsal(variant: variant, threads: threads) else {
      throw SuiteFault.unknownVariant(variant, workload: name, known: variants.map(\.name))
    }
    return found
  }

  private static func variants<W: Workload>(
    _ type: W.Type, missing: @escaping @Sendable (Capability) -> String?
  ) -> [VariantDescription] {
    W.variants.map { variant in
      VariantDescription(
        name: variant.name, kind: variant.kind,
        missing: {
          variant.requirements.lazy.compactMap(missing).first ?? variant.library?.missing
        })
    }
  }
}
