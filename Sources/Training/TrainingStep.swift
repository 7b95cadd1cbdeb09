package import Kernels
package import Models
package import Quantities

/// One step of training made ready: forward, loss, backward, and the update of what is trained.
///
/// - Shapes: those of `Transformer`; a batch's rows are its sequences' tokens, one after the other.
/// - Work: 6 flops for each weight of a product and token, and attention's; recomputation is counted apart.
/// - Source: Touvron et al., "LLaMA" (2023); the ways back are with the operations.
package final class TrainingStep: Kernel {
  /// All of them, each once, in the order of their first use.
  package let parameters: [Parameter]
  private let options: TrainingOptions
  private let batch: TrainingBatch
  private let instructions: InstructionSet
  private let execution: Execution
  private let schedule: Schedule
  /// What a budget came to, where one was given.
  package let plan: [String]
  private let state = StepState()
  /// Of a precision that needs it.
  package private(set) var scaler = LossScaler()
  private var calls: [Call] = []
  /// What each instruction writes first.
  private var writes: [[(name: String, tensor: Tensor)]] = []
  /// What lives through all micro-batches: gradients that add up.
  private var lasting: [ArenaTenant] = []
  private var arena: Arena?
  /// By parameter: what the optimizer keeps.
  private let states: [ObjectIdentifier: Tensor]
  /// Partial sums of a gradient's squares, in fp64.
  private let squares: Tensor
  private let graph: Graph
  private let shape: ModelShape
  private let onGradient: ((_ index: Int, _ gradient: Tensor) -> Void)?

  /// An instruction in its memory, with what begins to live before it and ends after it.
  private struct Call {
    let phase: MemoryPhase
    let layer: Int?
    let begins: [ArenaTenant]
    let ends: [ArenaTenant]
    let run: () -> Void
  }

  /// What a step told.
  package private(set) var report = Report()

  package struct Report: Sendable {
    /// The mean over the rows that have a target.
    package var loss = 0.0
    /// Of all gradients together: of the first step, and of each where it is clipped.
    package var gradientNorm: Double?
    /// Whether some gradient was not finite, so that nothing was updated.
    package var isSkipped = false
    /// Weights in 16 bits that their update left as they were, though it was not 0.
    package var lostUpdates = 0
    /// What gradients are multiplied by where they are shown.
    package var lossScale: Float = 1
    /// Where a number came up first that is not finite, if the loss or the norm is none.
    package var onset: String?
    package var seconds: [MemoryPhase: Seconds] = [:]
  }

  /// What a step does and keeps, whatever the numbers are.
  package var counts: StepCounts { StepCounts(graph, schedule, batch) }

  /// Allocates weights, states and workspace, and lays out what comes and goes.
  ///
  /// - Parameter onGradient: is shown the gradient of each trained parameter, by its place among them, before the
  ///   parameter is updated; it is still multiplied by the loss's scale.
  /// - Throws: `LedgerFault` where they do not fit: it names the phase in which the budget would be passed.
  package init(
    _ shape: ModelShape, weights: any ModelWeights, adapters: any AdapterWeights,
    batch: TrainingBatch, _ options: TrainingOptions, instructions: InstructionSet,
    _ execution: Execution, onGradient: ((_ index: Int, _ gradient: Tensor) -> Void)? = nil
  ) throws {
    self.options = options
    self.onGradient = onGradient
    self.batch = batch
    self.instructions = instructions
    self.execution = execution
    self.shape = shape
    graph = try TrainingGraph(
      shape, weights: weights, adapters: adapters, batch: batch, options,
      instructions: instructions, execution
    ).graph
    parameters = graph.parameters
    let trained = graph.trained
    var states: [ObjectIdentifier: Tensor] = [:]
    for parameter in trained {
      let bytes = options.optimizer.rule.stateBytes(
        of: parameter.count, parameter.format.plain ?? .fp32)
      guard bytes > .zero else { continue }
      states[ObjectIdentifier(parameter)] = Tensor(
        .int8, [bytes.count], try execution.ledger.allocate(bytes, role: .optimizer))
    }
    self.states = states
    let largest = trained.map(\.count).max() ?? 0
    squares = try execution.ledger.tensor(
      .fp32, [2 * GradientNorm.sums(of: max(1, largest))], .workspace)
    let live = execution.ledger.snapshot.live.filter { $0.key != .rotation }
    (schedule, plan) = try StepSchedule.make(
      graph, options, layers: shape.layers, accumulation: batch.accumulation,
      fixed: live.values.reduce(.zero, +))
    try layOut()
  }

  private func layOut() throws {
    let tenants = schedule.tenants
    if !execution.ledger.isPlan { try execution.ledger.rehearsing { try admit(tenants) } }
    let layout = ArenaLayout(tenants)
    let arena = try Arena(layout.bytes, in: execution.ledger)
    self.arena = arena
    var tensors: [Tensor] = []
    if !execution.ledger.isPlan {
      for (instance, offset) in zip(schedule.instances, layout.offsets) {
        tensors.append(arena.tensor(instance.elementType, instance.shape, at: offset))
      }
    }
    var begins = schedule.instructions.map { _ in [ArenaTenant]() }
    var ends = begins
    for (instance, tenant) in zip(schedule.instances, tenants) {
      guard !instance.isLasting else {
        lasting.append(tenant)
        continue
      }
      begins[instance.first].append(tenant)
      ends[instance.last].append(tenant)
    }
    writes = schedule.instructions.map { _ in [] }
    for (index, tensor) in tensors.enumerated() where schedule.instances[index].isNamed {
      let instance = schedule.instances[index]
      writes[instance.first].append((instance.name, tensor))
    }
    calls = schedule.instructions.enumerated().map { index, instruction in
      Call(
        phase: instruction.phase, layer: description(of: instruction).layer, begins: begins[index],
        ends: ends[index],
        run: tensors.isEmpty ? {} : bind(instruction, tensors))
    }
  }

  private func bind(_ instruction: Schedule.Instruction, _ tensors: [Tensor]) -> () -> Void {
    let bound = Bound(
      values: instruction.values.mapValues { tensors[$0] },
      gradients: instruction.gradients.mapValues { tensors[$0] }, added: instruction.added,
      parameterGradients: instruction.parameterGradients.mapValues { tensors[$0] },
      begun: instruction.begun, scratch: instruction.scratch.map { tensors[$0] }, state: state)
    switch instruction.kind {
    case .forward(let index): return graph.operations[index].forward(bound)
    case .backward(let index): return graph.operations[index].backward(bound)
    case .clip: return clip(bound)
    case .update(let parameter): return update(parameter, bound)
    }
  }

  private func clip(_ bound: Bound) -> () -> Void {
    let gradients = graph.trained.compactMap {
      bound.parameterGradients[ObjectIdentifier($0)]
    }
    let (limit, scales) = (options.clip, options.precision.scalesLoss)
    return { [state, measure = sumOfSquares] in
      state.squares = gradients.reduce(0) { $0 + measure($1) }
      state.gradientNorm = state.squares.squareRoot() / Double(state.lossScale)
      state.isSkipped = scales && !state.squares.isFinite
      // As PyTorch has it: a little less than the limit, so that 0 / 0 does not come up.
      let factor = limit.map { Double($0) / (state.gradientNorm + 1e-6) } ?? 1
      state.gradientScale = Float(min(1, factor)) / state.lossScale
    }
  }

  private var sumOfSquares: (Tensor) -> Double {
    let sums = UnsafeMutableRawPointer(squares.start).assumingMemoryBound(to: Double.self)
    return { [instructions, pool = execution.pool] gradient in
      GradientNorm.squares(
        gradient.pointer(to: Float.self), count: gradient.count, sums: sums,
        instructions: instructions, pool: pool)
    }
  }

  private func update(_ parameter: Parameter, _ bound: Bound) -> () -> Void {
    let id = ObjectIdentifier(parameter)
    guard let gradient = bound.parameterGradients[id] else { return {} }
    let operands = Optimizer.Operands(
      w: parameter.tensor.start, stored: parameter.format.plain ?? .fp32, states: states[id]?.start,
      gradient: gradient.pointer(to: Float.self), count: parameter.count)
    let index = graph.trained.firstIndex { $0 === parameter } ?? 0
    return {
      [state, instructions, pool = execution.pool, options, onGradient, measure = sumOfSquares] in
      onGradient?(index, gradient)
      if state.isSkipped { return }
      if state.step == 0, !options.measuresNorm { state.squares += measure(gradient) }
      state.lostUpdates += options.optimizer.run(
        operands, step: state.step + 1, rate: state.rate, gradientScale: state.gradientScale,
        instructions: instructions, pool: pool)
    }
  }

  /// One step on the batch as it now is.
  package func run() {
    state.loss = 0
    state.squares = 0
    state.lostUpdates = 0
    state.isSkipped = false
    state.lossScale = options.precision.scalesLoss ? scaler.scale : 1
    state.gradientScale = 1 / state.lossScale
    let targets = batch.targetCount
    state.lossFactor = state.lossScale / Float(max(1, targets))
    state.rate = options.optimizer.rate * Float(options.schedule.factor(at: state.step))
    report = Report()
    report.lossScale = state.lossScale
    var watch = PhaseWatch()
    walk { call in
      watch.enter(call.phase)
      // Before anything is updated the step can still be computed again.
      if call.phase == .update, report.onset == nil, isBroken { report.onset = findOnset() }
      if report.onset == nil { call.run() }
    } microBatch: {
      state.microBatch = $0
    }
    if report.onset == nil, isBroken { report.onset = findOnset() }
    report.seconds = watch.stop()
    report.loss = state.loss / Double(max(1, targets))
    report.isSkipped = state.isSkipped
    report.lostUpdates = state.lostUpdates
    if options.precision.scalesLoss { scaler.update(overflowed: state.isSkipped) }
    if state.step == 0 || options.measuresNorm {
      report.gradientNorm = state.squares.squareRoot() / Double(state.lossScale)
    }
    state.calls += 1
    // A step that is skipped is none for the optimizer.
    if !state.isSkipped { state.step += 1 }
  }

  /// Whether the loss, or the norm where it is taken, is not finite; a scaled loss may overflow its gradients.
  private var isBroken: Bool {
    !state.loss.isFinite
      || (options.measuresNorm && !options.precision.scalesLoss && !state.squares.isFinite)
  }

  /// Computes the step again, one instruction after the other, up to the first that makes a number which is not
  /// finite of numbers that all are.
  private func findOnset() -> String {
    let step = "step \(state.calls + 1)"
    if let parameter = parameters.first(where: { $0.format.plain != nil && !$0.tensor.isFinite }) {
      return "\(step): \(parameter.name) holds numbers that are not finite before it begins"
    }
    let loss = state.loss
    defer { state.loss = loss }
    for micro in 0..<batch.accumulation {
      state.microBatch = micro
      for (index, instruction) in schedule.instructions[..<schedule.microBatchEnd].enumerated() {
        state.loss = 0
        calls[index].run()
        let written = writes[index].first { !$0.tensor.isFinite }
        guard written != nil || !state.loss.isFinite else { continue }
        let (operation, layer) = description(of: instruction)
        let place = layer.map { ", layer \($0)" } ?? ""
        return "\(step), \(instruction.phase.rawValue)\(place): \(operation) made "
          + "\(written?.name ?? "the loss") not finite, from finite numbers"
      }
    }
    return "\(step): not found again: the numbers that were not finite did not come back"
  }

  private func description(of instruction: Schedule.Instruction) -> (String, layer: Int?) {
    switch instruction.kind {
    case .forward(let index), .backward(let index):
      (graph.operations[index].name, graph.operations[index].layer)
    case .clip: ("the norm", nil)
    case .update(let parameter): (parameter.name, nil)
    }
  }

  /// Tells the ledger what a step holds, phase by phase, and computes nothing.
  package func rehearse() {
    walk { _ in
    } microBatch: { _ in
    }
  }

  private func walk(_ body: (Call) -> Void, microBatch begin: (Int) -> Void) {
    let ledger = execution.ledger
    var phase = calls.first?.phase
    // What lives through all micro-batches is the step's, and not of the phase that it is asked for in.
    if let phase { ledger.begin(phase) }
    for tenant in lasting { ledger.note(tenant, lives: true) }
    // Of the first step alone: the others hold the same, and are timed.
    let tellsLayers = state.calls == 0
    var layer: Int?
    func go(_ call: Call) {
      if call.phase != phase {
        ledger.begin(call.phase)
        phase = call.phase
        layer = nil
      }
      if tellsLayers, call.layer != layer {
        layer = call.layer
        if let layer { ledger.begin(layer: layer) }
      }
      for tenant in call.begins { ledger.note(tenant, lives: true) }
      body(call)
      for tenant in call.ends { ledger.note(tenant, lives: false) }
    }
    for micro in 0..<batch.accumulation {
      begin(micro)
      for call in calls[..<schedule.microBatchEnd] { go(call) }
    }
    for call in calls[schedule.microBatchEnd...] { go(call) }
    for tenant in lasting { ledger.note(tenant, lives: false) }
  }

  /// Throws where the budget would be passed, before anything is laid out.
  private func admit(_ tenants: [ArenaTenant]) throws {
    let ledger = execution.ledger
    var living: [ArenaTenant] = []
    defer { for tenant in living { ledger.note(tenant, lives: false) } }
    for (index, instruction) in schedule.instructions.enumerated() {
      ledger.begin(instruction.phase)
      for tenant in tenants where tenant.life.lowerBound == index {
        try ledger.admit(tenant)
        living.append(tenant)
      }
      for tenant in living where tenant.life.upperBound == index {
        ledger.note(tenant, lives: false)
      }
      living.removeAll { $0.life.upperBound == index }
    }
    ledger.begin(.preparation)
  }
}

extension TrainingStep {
  /// What LoRA goes beside.
  var loras: [(weights: Parameter, lora: LinearOperation.LoRA)] {
    graph.operations.compactMap { $0 as? LinearOperation }.flatMap(\.adapted)
  }

  /// The weights of a step as they are before the first, without the step.
  ///
  /// - Throws: `LedgerFault` where they do not fit.
  package static func parameters(
    _ shape: ModelShape, weights: any ModelWeights, adapters: any AdapterWeights,
    batch: TrainingBatch, _ options: TrainingOptions, in ledger: MemoryLedger
  ) throws -> [Parameter] {
    try TrainingGraph(
      shape, weights: weights, adapters: adapters, batch: batch, options,
      instructions: .portable, Execution(ledger: ledger, pool: ThreadPool(planning: 1))
    ).graph.parameters
  }

  /// What a step does and keeps, without the step. Of a budget it counts what is kept where there is none: what
  /// is computed again are no operations of the formulas.
  package static func counts(
    _ shape: ModelShape, weights: any ModelWeights, adapters: any AdapterWeights,
    batch: TrainingBatch, _ options: TrainingOptions
  ) throws -> StepCounts {
    let graph = try TrainingGraph(
      shape, weights: weights, adapters: adapters, batch: batch, options,
      instructions: .portable, .planning(threads: 1)
    ).graph
    let form = Schedule.Form(options, accumulation: batch.accumulation)
    let schedule = Schedule(graph, form: form) {
      options.checkpointing.keeps(graph[$0], layers: shape.layers)
    }
    return StepCounts(graph, schedule, batch)
  }
}
