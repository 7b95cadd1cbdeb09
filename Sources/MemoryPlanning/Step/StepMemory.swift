package import Kernels
import Models
package import Quantities

/// A training step of this program on a batch: what it takes in each phase.
package struct StepMemory {
  private let structure: StepStructure
  private let batch: Int
  private let tokens: Int
  private let accumulation: Int

  package init(_ structure: StepStructure, batch: Int, tokens: Int, accumulation: Int = 1) {
    var structure = structure
    structure.accumulates = accumulation > 1
    self.structure = structure
    (self.batch, self.tokens, self.accumulation) = (batch, tokens, accumulation)
  }

  package var counts: BatchCounts {
    var some: Int?
    if case .tokens(let count) = structure.loss { some = count }
    return BatchCounts(batch: batch, tokens: tokens, lossRows: some)
  }

  /// Tokens and their targets as 32-bit numbers, and 64 numbers of each gradient, which are checked.
  private func operands(_ fixed: StepFixed) -> Int {
    2 * 4 * batch * accumulation * tokens + 4 * 64 * (fixed.parameters + 1)
  }

  /// Forms of steps, and what lives throughout them, which no batch changes: each is found once.
  package struct Known {
    fileprivate var forms: [StepStructure: StepForm] = [:]
    fileprivate var workspaces: [Workspace: Int] = [:]

    package init() {}

    fileprivate struct Workspace: Hashable {
      let structure: StepStructure
      let batch, tokens, threads: Int
      let instructions: InstructionSet
    }
  }

  /// - Returns: what is live in each phase by role; nil where a budget cannot be obeyed.
  package func plan(instructions: InstructionSet, threads: Int) throws -> MemoryPlan? {
    var known = Known()
    return try found(instructions, threads, false, &known)?.plan
  }

  /// - Parameter isExplained: whether the answer lists what the peak is made of.
  /// - Returns: nil where a budget cannot be obeyed.
  package func answer(
    instructions: InstructionSet, threads: Int, isExplained: Bool, _ known: inout Known
  ) throws -> MemoryAnswer? {
    guard let (plan, moments, fixed) = try found(instructions, threads, isExplained, &known) else {
      return nil
    }
    let binding = moments[plan.peakPhase]
    let own = isExplained ? binding?.answerTerms(at: counts) ?? [] : []
    return MemoryAnswer(
      plan, place: binding?.place ?? "", terms: isExplained ? fixed + own : [])
  }

  private typealias Found = (
    plan: MemoryPlan, moments: [MemoryPhase: Moment], fixed: [MemoryAnswer.Term]
  )

  private func found(
    _ instructions: InstructionSet, _ threads: Int, _ isExplained: Bool, _ known: inout Known
  ) throws -> Found? {
    try Self.check(
      structure, batch: batch, tokens: tokens, accumulation: accumulation, threads: threads)
    let fixed = StepFixed(structure)
    let key = Known.Workspace(
      structure: structure, batch: batch, tokens: tokens, threads: threads,
      instructions: instructions)
    let workspace =
      try known.workspaces[key]
      ?? fixed.workspace(
        batch: batch, tokens: tokens, instructions: instructions, threads: threads)
    known.workspaces[key] = workspace
    let given = operands(fixed)
    let throughout: [MemoryRole: Bytes] = [
      .activations: Bytes(given), .weights: Bytes(fixed.weights),
      .adapters: Bytes(fixed.adapters), .optimizer: Bytes(fixed.states),
      .workspace: Bytes(workspace),
    ]
    let sum = throughout.values.reduce(.zero, +)
    guard let form = form(fixed: sum.count, isExplained, &known) else { return nil }
    var phases: [MemoryPhase: [MemoryRole: Bytes]] = [
      .operands: [.activations: Bytes(given)], .preparation: throughout, .run: throughout,
    ]
    var moments: [MemoryPhase: Moment] = [:]
    for (phase, moment) in form.binding(ofEach: counts) {
      guard let name = phase.ledgerPhase else { continue }
      phases[name] = throughout.merging(moment.roles(at: counts), uniquingKeysWith: +)
      moments[name] = moment
    }
    return (
      MemoryPlan(phases), moments,
      isExplained ? terms(fixed, given: given, workspace: workspace) : []
    )
  }

  private func form(fixed: Int, _ isExplained: Bool, _ known: inout Known) -> StepForm? {
    // A budget makes of each batch a structure of its own.
    if case .budget = structure.checkpointing {
      return HeadroomStep(structure).form(
        isExplained: isExplained, fixed: fixed, counts: counts)
    }
    if !isExplained, let form = known.forms[structure] { return form }
    let form = HeadroomStep(structure).form(isExplained: isExplained)
    if !isExplained { known.forms[structure] = form }
    return form
  }

  private func terms(_ fixed: StepFixed, given: Int, workspace: Int) -> [MemoryAnswer.Term] {
    func term(_ name: String, _ role: MemoryRole, _ bytes: Int, _ formula: String)
      -> MemoryAnswer.Term
    {
      MemoryAnswer.Term(name: name, role: role, bytes: Bytes(bytes), formula: formula)
    }
    return [
      term("weights", .weights, fixed.weights, fixed.weightsFormula),
      term(
        "adapter", .adapters, fixed.adapters,
        "4 B × \(fixed.adapters / 4) numbers in \(fixed.parameters) parameters"),
      term(
        "optimizer's states", .optimizer, fixed.states,
        "\(structure.optimizer.rawValue), \(fixed.parameters) parameters"),
      term("workspace of kernels", .workspace, workspace, "packed blocks, tiles and tables"),
      term(
        "tokens and sampled gradients", .activations, given,
        "2 × 4 B × \(batch * accumulation * tokens) + 4 B × 64 × \(fixed.parameters + 1)"),
    ].filter { $0.bytes > .zero }
  }
}

extension PlanPhase {
  /// What the ledger calls it.
  package var ledgerPhase: MemoryPhase? {
    switch self {
    case .load: .preparation
    case .forward: .forward
    case .loss: .loss
    case .recompute: .recompute
    case .backward, .embedding: .backward
    case .clip: .clip
    case .optimizer: .update
    case .prefill, .decode: .run
    }
  }
}
