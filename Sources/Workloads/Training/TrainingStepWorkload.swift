package import Kernels
import Models
package import Quantities
package import Training

/// One step of training a decoder-only transformer: forward, loss, backward, update.
///
/// - Shapes, work, error and source: as of `TrainingStep`. Weights and tokens are made up; each token's target
///   is the next.
package enum TrainingStepWorkload: Workload {
  /// A model, the tokens of a step, and what saves memory.
  package struct Problem: Codable, Hashable, Sendable {
    package let layers: Int
    package let layer: LayerAxes
    package let vocab: Int
    package let tied: DecoderWorkload.Tied
    package let batch: Int
    package let tokens: Int
    package let attention: TrainingAttention
    package let checkpointing: AxisTextValue<CheckpointingAxis>
    package let loss: AxisTextValue<LinearCrossEntropy.Chunks>
    package let precision: TrainingPrecision
    package let optimizer: Optimizer.Rule
    package let update: UpdateAxis
    package let accumulation: Int
    package let clip: AxisTextValue<ClipAxis>
    package let adapter: AdapterAxes
    package let rotary: RotaryAxes

    /// Sizes are taken as they are: `validate` says whether they make a problem.
    package init(
      layers: Int, hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int, vocab: Int,
      tied: DecoderWorkload.Tied = .no, batch: Int = 1, tokens: Int,
      attention: TrainingAttention = .tiled, checkpointing: CheckpointingAxis = .fixed(.none),
      loss: LinearCrossEntropy.Chunks = .whole,
      precision: TrainingPrecision = .fp32, optimizer: Optimizer.Rule = .adamw,
      update: UpdateAxis = .separate, accumulation: Int = 1,
      clip: ClipAxis = .none, adapter: AdapterAxes = AdapterAxes(),
      rotary: RotaryAxes = RotaryAxes(.neox)
    ) {
      self.layers = layers
      layer = LayerAxes(
        hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim)
      self.vocab = vocab
      self.tied = tied
      self.batch = batch
      self.tokens = tokens
      self.attention = attention
      self.checkpointing = AxisTextValue(checkpointing)
      self.loss = AxisTextValue(loss)
      self.precision = precision
      self.optimizer = optimizer
      self.update = update
      self.accumulation = accumulation
      self.clip = AxisTextValue(clip)
      self.adapter = adapter
      self.rotary = rotary
    }

    var shape: ModelShape {
      layer.shape(layers: layers, vocab: vocab, isTied: tied == .yes, .swiglu)
    }

    var options: TrainingOptions {
      var options = TrainingOptions()
      options.attention = attention
      options.checkpointing = checkpointing.value.of(layers: layers)
      options.loss = loss.value
      options.precision = precision
      options.optimizer = Optimizer(optimizer)
      options.updatesInBackward = update == .inBackward
      options.clip = clip.value.limit
      options.rotary = rotary.rotary
      options.adapter = adapter.options
      options.base = .usual(adapter.base)
      return options
    }

    /// Settings that change nothing, each with the reason.
    var withoutEffect: [String] {
      var found: [String] = []
      let rows = batch * tokens
      if checkpointing.value == .fixed(.attention), attention == .tiled {
        found.append(
          "checkpointing attention has no effect: attention by tiles keeps no weights to drop")
      }
      switch loss.value {
      case .tokens(let count) where count >= rows:
        found.append(
          "loss tokens(\(count)) has no effect: a micro-batch has \(rows) rows, which go at once")
      case .vocabulary(let count) where count >= vocab:
        found.append("loss vocabulary(\(count)) saves nothing: the vocabulary has \(vocab)")
      default: break
      }
      return found + adapter.withoutEffect
    }

    var sequences: [Int] { Array(repeating: tokens, count: batch) }

    /// What a check can compute in fp64: full width, few layers, few tokens.
    var reduced: Problem {
      Problem(
        layers: min(2, layers), hidden: layer.hidden, ffn: layer.ffn, heads: layer.heads,
        kvHeads: layer.kvHeads, headDim: layer.headDim, vocab: min(vocab, 4096), tied: tied,
        batch: min(2, batch), tokens: min(6, tokens), attention: attention,
        checkpointing: checkpointing.value.reduced,
        loss: loss.value.reduced, precision: precision, optimizer: optimizer, update: update,
        accumulation: min(2, accumulation), clip: clip.value, adapter: adapter,
        rotary: rotary)
    }
  }

  /// `ids` and `targets` are micro-batches × rows as 32-bit whole numbers; `gradients` is trained parameters × 64
  /// in fp32, some of each one's numbers, and the loss in a last row. Weights are the kernel's, from the seed.
  package struct Operands: OperandSet {
    let ids: Tensor
    let targets: Tensor
    let gradients: Tensor
    let seed: UInt64

    package var operands: [Operand] { [Operand("gradients", gradients, .output)] }
  }

  package static let name = "training-step"
  package static let about = "a step of training: forward, loss, backward, and the update"
  package static let smallest = Problem(
    layers: 2, hidden: 36, ffn: 44, heads: 4, kvHeads: 2, headDim: 10, vocab: 70, batch: 2,
    tokens: 9)
  package static let defaults = [
    "tied": "no", "batch": "1", "attention": "tiled", "checkpointing": "none", "loss": "whole",
    "precision": "fp32", "optimizer": "adamw",
    "update": "separate", "accumulation": "1", "clip": "none",
  ].with(AdapterAxes.defaults, RotaryAxes.defaults(.neox))
  /// A step changes the weights.
  package static let isRepeatable = false
  package static let checksAll = true

  /// Numbers of each gradient that are checked.
  static let samples = 64

  package static func validate(_ problem: Problem) throws {
    try problem.layer.validate(problem.adapter.base)
    try problem.adapter.validate(problem.shape)
    try problem.rotary.validate(headDim: problem.layer.headDim)
    try problem.checkpointing.value.validate(layers: problem.layers)
    if problem.attention == .naive, case .prefix = problem.adapter.adapter.value {
      throw ProblemFault(
        axis: "attention", what: "naive attention knows no prefix",
        fix: "use attention tiled, or another adapter")
    }
    guard problem.precision != .pureBF16 || problem.adapter.adapter.value == .none else {
      throw ProblemFault(
        axis: "precision",
        what: "bf16-pure stores weights that are trained in bf16, and an adapter's are in fp32",
        fix: "use precision bf16 with base bf16, or adapter none")
    }
    if problem.update == .inBackward {
      guard problem.precision != .fp16 else {
        throw ProblemFault(
          axis: "precision",
          what: "a step whose scaled gradients overflow is skipped as a whole, and update "
            + "in-backward has updated some by then",
          fix: "use update separate, or bf16")
      }
      guard problem.clip.value == .none else {
        throw ProblemFault(
          axis: "clip",
          what: "the norm of all gradients is not known before the last, and update in-backward "
            + "has let go of the first by then",
          fix: "use update separate, or clip none")
      }
      guard problem.accumulation == 1 else {
        throw ProblemFault(
          axis: "accumulation",
          what: "update in-backward lets go of a gradient before the next micro-batch adds to it",
          fix: "use update separate, or accumulation 1")
      }
    }
  }

  package static func workBound(of problem: Problem) -> Double {
    let (shape, tokens) = (problem.shape, product(problem.tokens))
    let width = product(shape.headDim) * (product(shape.heads) + product(shape.kvHeads))
    let layer =
      product(shape.hidden, shape.ffn) + product(shape.hidden) * width + tokens * width
    return 256 * product(problem.batch, problem.accumulation) * (tokens + 1)
      * (product(shape.layers) * layer + product(shape.vocab, shape.hidden))
  }

  /// What the formulas ask for, whatever is computed again: all weights are read once, and what is trained is
  /// read and written with its states.
  package static func work(of problem: Problem) -> Work {
    let counts = counts(of: problem)
    let masters = problem.precision.masters
    let moved =
      masters.bytes(of: counts.trainedWeights)
      + problem.optimizer.stateBytes(of: counts.trainedWeights, masters)
    return Work(
      flops: counts.modelFlops, bytesRead: counts.weightBytes + moved, bytesWritten: moved,
      tokens: problem.batch * problem.tokens * problem.accumulation,
      format: problem.precision.activations.computeFormat)
  }

  private static func counts(of problem: Problem) -> StepCounts {
    let ledger = MemoryLedger.plan()
    let sizes = [problem.accumulation, problem.batch * problem.tokens]
    guard let ids = try? ledger.tensor(.fp32, sizes, .activations),
      let counts = try? TrainingStep.counts(
        problem.shape, weights: MadeUpWeights(problem.shape, seed: 0),
        adapters: MadeUpAdapters(seed: 0), batch: batch(problem, ids: ids, targets: ids),
        problem.options)
    else { preconditionFailure("what is only planned fits") }
    return counts
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let (sequences, tokens) = (problem.batch * problem.accumulation, problem.tokens)
    let ids = try ledger.tensor(.fp32, [sequences, tokens], .activations)
    let targets = try ledger.tensor(.fp32, [sequences, tokens], .activations)
    if !ids.isPlan {
      let (from, to) = (ids.pointer(to: Int32.self), targets.pointer(to: Int32.self))
      for sequence in 0..<sequences {
        for token in 0...tokens {
          let id = Int32(
            Int(
              hash32(
                UInt32(truncatingIfNeeded: seed &+ 77), UInt32(sequence * (tokens + 1) + token)))
              % problem.vocab)
          if token < tokens { from[sequence * tokens + token] = id }
          if token > 0 { to[sequence * tokens + token - 1] = id }
        }
      }
    }
    let trained = try parameters(
      of: problem, batch(problem, ids: ids, targets: targets), seed: seed, in: .plan()
    ).count(where: \.isTrained)
    return Operands(
      ids: ids, targets: targets,
      gradients: try ledger.tensor(.fp32, [trained + 1, samples], .activations), seed: seed)
  }

  static func batch(_ problem: Problem, ids: Tensor, targets: Tensor) -> TrainingBatch {
    TrainingBatch(
      sequences: problem.sequences, accumulation: problem.accumulation,
      offset: problem.adapter.adapter.value.prefix, ids: ids, targets: targets)
  }

  /// A problem that is checked itself has an adapter as after some steps, so that no gradient in it is 0; others
  /// begin as one begins.
  static func adapters(_ problem: Problem, _ seed: UInt64) -> MadeUpAdapters {
    MadeUpAdapters(seed: seed, isFresh: reduced(problem) != nil)
  }

  private static func parameters(
    of problem: Problem, _ batch: TrainingBatch, seed: UInt64, in ledger: MemoryLedger
  ) throws -> [Parameter] {
    let shape = problem.shape
    return try TrainingStep.parameters(
      shape, weights: MadeUpWeights(shape, seed: seed), adapters: adapters(problem, seed),
      batch: batch, problem.options, in: ledger)
  }

  /// Each product's sums stray by their roundings, forward and backward, and norms hand that on. In 16 bits,
  /// each operand of a product is off by up to half a unit: there are two of each of 21 products a layer.
  package static func tolerance(of problem: Problem) -> Tolerance {
    let shape = problem.shape
    let each = shape.products.map { 4 * shape.matrix($0).k }.reduce(0, +)
    let sums = Tolerance.sum(
      roundings: shape.layers * (each + 8 * problem.tokens) + 4 * shape.hidden
        + 2 * (shape.vocab + problem.batch * problem.accumulation * problem.tokens))
    guard problem.precision != .fp32 else { return sums }
    let unit = problem.precision.activations.rounding
    let operands = Double(42 * shape.layers + 6)
    return Tolerance(
      relative: sums.relative + 8 * operands.squareRoot() * unit,
      basis: "\(sums.basis); 8 sqrt(\(Int(operands))) roundings of operands to "
        + problem.precision.activations.rawValue)
  }

  /// Which of a gradient's numbers are checked.
  static func place(_ sample: Int, of count: Int, parameter: Int) -> Int {
    Int(hash32(UInt32(parameter), UInt32(sample))) % count
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let (nodes, named) = nodes(problem, operands)
    func numbers(_ tensor: Tensor) -> [Int] {
      (0..<tensor.count).map { Int(tensor.pointer(to: Int32.self)[$0]) }
    }
    let options = problem.options
    var input = TrainingReference.Input(
      shape: problem.shape, rotary: problem.rotary.rotary, adapter: options.adapter,
      sequences: problem.sequences, ids: numbers(operands.ids), targets: numbers(operands.targets))
    if options.adapter.dropout > 0 {
      input.dropout = {
        options.kept(microBatch: $0, layer: $1, product: $2, count: $3)
      }
    }
    let found = TrainingReference(input, weights: nodes)
    var (values, magnitudes) = ([Double](), [Double]())
    for row in sample.rows {
      let gradient = row < named.count ? found.gradients[named[row]] ?? [] : [found.loss]
      let seen = gradient.filter { $0 != 0 }
      let size = (seen.reduce(0) { $0 + $1 * $1 } / Double(max(1, seen.count))).squareRoot()
      for column in sample.columns {
        let value = gradient[place(column, of: gradient.count, parameter: row)]
        values.append(value)
        magnitudes.append(max(abs(value), size))
      }
    }
    return Expectation(values: values, magnitudes: magnitudes)
  }

  /// All weights in fp64, and the names of those that are trained.
  private static func nodes(_ problem: Problem, _ operands: Operands) -> (
    [String: ReferenceTape.Node], trained: [String]
  ) {
    guard let ledger = try? MemoryLedger(),
      let parameters = try? parameters(
        of: problem, batch(problem, ids: operands.ids, targets: operands.targets),
        seed: operands.seed, in: ledger)
    else { return ([:], []) }
    let nodes = parameters.map {
      ($0.name, ReferenceTape.Node(rows: $0.rows, columns: $0.columns, $0.doubles))
    }
    return (
      Dictionary(uniqueKeysWithValues: nodes), parameters.filter(\.isTrained).map(\.name)
    )
  }

  /// Up to two layers keep their width, for a few sequences of a few tokens.
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    let reduced = problem.reduced
    guard reduced != problem else { return nil }
    return (
      reduced,
      "\(reduced.layers) of \(problem.layers) layers at full width, "
        + "\(reduced.tokens) of \(problem.tokens) tokens"
    )
  }

  package static let variants: [Variant<TrainingStepWorkload>] = {
    [.reference()]
      + InstructionSet.having(.training).map { set in
        Variant(set) { problem, operands, execution in
          do {
            return try TrainingKernel(problem, operands, set, execution)
          } catch let fault as BudgetFault {
            throw ProblemFault(
              axis: "checkpointing", what: fault.fault.what,
              fix: fault.fault.mend ?? "use a larger budget")
          }
        }
      }
  }()
}
