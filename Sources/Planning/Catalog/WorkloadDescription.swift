package import Foundation
package import Kernels
package import Quantities
package import Records

/// A workload with its types hidden: what a plan and a list need to know of it.
package struct WorkloadDescription: Sendable {
  package let type: any Workload.Type
  package let name: String
  package let about: String
  /// The axes of its problems, in the order in which the problem declares them.
  package let axes: [Axis]
  package let variants: [VariantDescription]

  package init(
    _ type: any Workload.Type, missing: @escaping @Sendable (Capability) -> String?
  ) {
    self.type = type
    name = type.name
    about = type.about
    axes = Self.axes(type)
    variants = Self.variants(type, missing: missing)
  }

  /// The axes of a case in their fixed order: the problem's, then the harness's.
  package var allAxes: [Axis] { axes + HarnessAxis.allCases.map { Axis($0, of: self) } }

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
  /// The problem as JSON, from the values of its axes by their names in suites.
  package func problem(_ values: some Sequence<(key: String, value: AxisValue)>) throws -> Data {
    let given = Dictionary(values.map { ($0.key, $0.value) }) { first, _ in first }
    var fields: [String: AxisValue] = [:]
    for axis in axes {
      // A word stays a word, though it may look like a number.
      fields[axis.label] = given[axis.name].map { axis.isNumber ? $0 : .word($0.text) }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(fields)
  }

  /// Whether 64 bits can count the operations and bytes.
  package func isCountable(_ problem: Data) throws -> Bool {
    // Doubles are exact enough below a power of two that is left free.
    try type.magnitude(json: problem) < 0x1p62
  }

  /// Throws a `ProblemFault` for values that make no problem together.
  package func validate(_ problem: Data) throws { try type.validate(json: problem) }

  /// Why a variant has nothing for a problem, if so.
  package func declined(_ problem: Data, by variant: String) throws -> String? {
    try type.declined(json: problem, variant: variant)
  }

  package func work(of problem: Data) throws -> Work { try type.work(json: problem) }

  /// What preparing and running allocate.
  package func memory(of problem: Data, variant: String, threads: Int) throws -> MemoryPlan {
    // What a command allocates is its own affair.
    if variant.hasPrefix(VariantDescription.command) { return MemoryPlan([:]) }
    guard let plan = try type.memory(json: problem, variant: variant, threads: threads) else {
      throw SuiteFault.unknownVariant(variant, workload: name, known: variants.map(\.name))
    }
    return plan
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

  private static func axes<W: Workload>(_ type: W.Type) -> [Axis] {
    let properties = Mirror(reflecting: W.smallest).children.flatMap { child in
      child.value is any AxisGroup ? Array(Mirror(reflecting: child.value).children) : [child]
    }
    return properties.map { child in
      guard let label = child.label, let axis = Axis(label, child.value, W.defaults) else {
        preconditionFailure(
          "\(W.name) has a stored property that is neither an Int nor an AxisWord: \(child)")
      }
      precondition(
        HarnessAxis(rawValue: axis.name) == nil, "\(W.name) takes the harness's axis \(axis.name)")
      return axis
    }
  }
}

extension Workload {
  /// Reads what `WorkloadDescription.problem` wrote: all axes side by side, those of groups too.
  package static func problem(from data: Data) throws -> Problem {
    let axes = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    var fields = axes
    for case (let group?, is any AxisGroup) in Mirror(reflecting: smallest).children {
      fields[group] = axes
    }
    return try JSONDecoder().decode(
      Problem.self, from: JSONSerialization.data(withJSONObject: fields))
  }
}

extension Workload {
  fileprivate static func validate(json: Data) throws { try validate(problem(from: json)) }

  fileprivate static func declined(json: Data, variant: String) throws -> String? {
    try Self.variant(named: variant)?.declines(problem(from: json))
  }

  fileprivate static func magnitude(json: Data) throws -> Double {
    try magnitude(of: problem(from: json))
  }

  fileprivate static func work(json: Data) throws -> Work { try work(of: problem(from: json)) }

  fileprivate static func memory(json: Data, variant: String, threads: Int) throws -> MemoryPlan? {
    guard let variant = Self.variant(named: variant) else { return nil }
    return try memory(of: problem(from: json), variant: variant, threads: threads)
  }
}
