import Kernels
import Models
import Training
import Workloads

extension StepSetup {
  /// All weights in fp64.
  func values() throws -> [String: ReferenceTape.Node] {
    let ledger = try MemoryLedger()
    let parameters = try TrainingStep.parameters(
      shape, weights: weights, adapters: adapters, batch: try batch(in: ledger), options,
      in: ledger)
    return Dictionary(
      uniqueKeysWithValues: parameters.map {
        ($0.name, ReferenceTape.Node(rows: $0.rows, columns: $0.columns, $0.doubles))
      })
  }

  /// The same step in fp64.
  ///
  /// - Parameters:
  ///   - values: weights; a gradient is added to what they hold.
  ///   - epsilon: what norms add; as in a step, where it is left out.
  func reference(
    _ tokens: Tokens, values: [String: ReferenceTape.Node]? = nil, epsilon: Double? = nil
  ) throws -> TrainingReference {
    var input = TrainingReference.Input(
      shape: shape, rotary: options.rotary, adapter: options.adapter, sequences: sequences,
      ids: tokens.ids, targets: tokens.targets)
    if let epsilon { input.epsilon = epsilon }
    if options.adapter.dropout > 0 {
      input.dropout = { [options] in
        options.kept(microBatch: $0, layer: $1, product: $2, count: $3)
      }
    }
    return TrainingReference(input, weights: try values ?? self.values())
  }
}
