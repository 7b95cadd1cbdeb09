package import Quantities

extension ForeignSetting {
  /// What another program takes, and the form that it was found from where there is one.
  ///
  /// - Parameter form: of the same model and options, where it is known.
  /// - Throws: `SettingFault`.
  package func answer(isExplained: Bool, forms known: ForeignForms? = nil) throws -> (
    answer: MemoryAnswer, forms: ForeignForms?
  ) {
    if !parallel.isAlone { return (try shared(), nil) }
    if isInference { return (try inference(isExplained), nil) }
    let forms =
      try known ?? ForeignForms(self, ForeignEstimate(self).form(isExplained: isExplained))
    let form = forms.best
    guard let binding = form.binding(at: counts) else {
      preconditionFailure("a step has a moment")
    }
    let range = forms.range(at: self)
    let phases = form.phases(at: counts)
    return (
      MemoryAnswer(
        low: Bytes(Int(range.low)), best: Bytes(Int(range.best)), high: Bytes(Int(range.high)),
        phase: binding.phase.label, place: binding.place,
        phases: PlanPhase.allCases.compactMap { phase in
          phases[phase].map { .init(name: phase.label, bytes: $0) }
        }, byRole: binding.roles(at: counts),
        terms: isExplained ? binding.answerTerms(at: counts) : []), forms
    )
  }

  /// What the whole process takes of a GPU, where it runs on one: the allocator keeps more than what lives, and a
  /// context with the code of kernels is there besides.
  ///
  /// - Returns: nil where it runs on none, or where there is no such estimate.
  package func process() -> (low: Bytes, best: Bytes, high: Bytes)? {
    guard torch.backend == .cuda, parallel.isAlone, !isInference,
      let found = try? ForeignEstimate(self).process()
    else { return nil }
    return (Bytes(Int(found.low)), Bytes(Int(found.best)), Bytes(Int(found.high)))
  }

  /// One of several devices: its share of states and of activations.
  private func shared() throws -> MemoryAnswer {
    let estimate = ForeignEstimate(self)
    let states = estimate.statesPerDevice
    var alone = self
    alone.parallel = ParallelSetting()
    let whole = try alone.answer(isExplained: false).answer
    // What is no state is the batch's own, shared by those that share its products, layers and tokens.
    let rest = max(0, whole.best.count - estimate.statesAlone)
    let parts = parallel.tensor * parallel.context
    let low = states + rest / parts
    let high = states + rest / (parallel.sequence ? parts : 1) + estimate.gathered
    return MemoryAnswer(
      low: Bytes(low), best: Bytes(low), high: Bytes(max(low, high)), phase: whole.phase,
      place: whole.place,
      phases: [
        .init(name: "states of a device", bytes: Bytes(states)),
        .init(name: "states in the host's memory", bytes: Bytes(estimate.statesOnHost)),
        .init(name: whole.phase, bytes: Bytes(low)),
      ], byRole: [.weights: Bytes(states), .activations: Bytes(rest / parts)])
  }

  private func inference(_ isExplained: Bool) throws -> MemoryAnswer {
    let parts = try ForeignEstimate(self).inferenceParts()
    let terms = parts.terms.map {
      MemoryAnswer.Term(name: $0.name, role: $0.role, bytes: Bytes($0.bytes), formula: $0.formula)
    }
    var roles: [MemoryRole: Bytes] = [:]
    for term in terms { roles[term.role, default: .zero] += term.bytes }
    let best = roles.values.reduce(.zero, +)
    let weights = roles[.weights] ?? .zero
    return MemoryAnswer(
      low: best, best: best, high: best + Bytes(parts.slack), phase: PlanPhase.decode.label,
      place: "the last token",
      phases: [
        .init(name: PlanPhase.load.label, bytes: weights),
        .init(name: PlanPhase.decode.label, bytes: best),
      ], byRole: roles.filter { $0.value > .zero }, terms: isExplained ? terms : [])
  }
}
