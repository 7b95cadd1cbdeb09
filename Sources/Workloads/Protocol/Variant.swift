package import Kernels

/// One named way of computing a workload, and what it needs.
package struct Variant<W: Workload>: Sendable {
  package let name: String
  package let kind: VariantKind
  package let requirements: [Capability]
  /// A library of others that it calls.
  package let library: ForeignLibrary?
  /// Why it has nothing for a problem, if so.
  package let declines: @Sendable (W.Problem) -> String?
  /// Makes ready what calls need: packed weights, workspace. Its time and bytes are reported apart.
  package let prepare: @Sendable (W.Problem, W.Operands, Execution) throws -> any Kernel

  /// - Parameters:
  ///   - requirements: what a processor must have; it is checked before anything is prepared.
  ///   - declines: gives the reason where the variant has nothing for a problem, else nil.
  ///   - prepare: makes a kernel, which keeps the operands that its calls need: the others are let go of.
  package init(
    name: String, kind: VariantKind = .own, requirements: [Capability] = [],
    library: ForeignLibrary? = nil,
    declines: @escaping @Sendable (W.Problem) -> String? = { _ in nil },
    prepare: @escaping @Sendable (W.Problem, W.Operands, Execution) throws -> any Kernel
  ) {
    self.name = name
    self.kind = kind
    self.requirements = requirements
    self.library = library
    self.declines = declines
    self.prepare = prepare
  }

  /// Why this machine cannot run it, if it cannot.
  package var unavailable: String? {
    requirements.lazy.compactMap(\.missing).first ?? library?.missing
  }
}

/// Who a variant is compared as.
package enum VariantKind: String, Sendable {
  /// Plain and in fp64: what the others are held against.
  case reference
  /// One of this program's, among which `best` chooses.
  case own
  /// A library of others.
  case competitor
}

extension Variant {
  /// An own way that differs from others in its instructions alone.
  package init(
    _ instructions: InstructionSet,
    prepare: @escaping @Sendable (W.Problem, W.Operands, Execution) throws -> any Kernel
  ) {
    self.init(
      name: instructions.rawValue, requirements: instructions.requirements, prepare: prepare)
  }
}

extension Workload {
  /// The best own variant that this machine supports: the last one listed.
  package static var bestVariant: Variant<Self>? {
    variants.last { $0.kind == .own && $0.unavailable == nil }
  }

  /// The variant of that name, whether this machine supports it or not; nil where there is none.
  package static func variant(named name: String) -> Variant<Self>? {
    variants.first { $0.name == name }
  }
}
