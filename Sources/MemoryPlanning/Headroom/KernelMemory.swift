import Quantities

/// What a kernel holds from its operands to its runs.
///
///     operands:    operands
///     preparation: operands + the larger of passing and kept
///     run:         operands + kept − released
///
/// - Source: a ledger's account of the phases, which keeps the first of moments that hold as much as each other.
struct KernelMemory {
  /// Inputs, weights and outputs.
  var operands: RoleBytes
  /// What is prepared and stays: packed weights, tables, workspace.
  var kept = RoleBytes()
  /// The most that lives besides the operands before all that stays is there.
  var passing = RoleBytes()
  /// Operands that runs do not need.
  var released = RoleBytes()

  var plan: MemoryPlan {
    let prepared = operands + kept
    let passed = operands + passing
    let peak = passed.total >= prepared.total ? passed : prepared
    return MemoryPlan([
      .operands: operands.byRole, .preparation: peak.byRole,
      .run: (prepared - released).byRole,
    ])
  }
}
