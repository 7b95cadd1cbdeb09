import Kernels
import Testing
import Workloads

/// Losses and gradients against those of PyTorch in fp64: see `training.py`.
struct TrainingGoldenTests {
  private static func cases() throws -> [TrainingGolden] {
    try GoldenFile<[TrainingGolden]>.cases("training")
  }

  /// A gradient is some dozens of sums deep, each of fewer than 50 terms in fp32: 2e-5 of a gradient's root mean
  /// square is some 300 roundings, of numbers that are several times as large.
  @Test(arguments: try cases(), InstructionSet.trained)
  func `loss and gradients are those of another implementation`(
    golden: TrainingGolden, instructions: InstructionSet
  ) throws {
    var setup = golden.setup
    setup.instructions = instructions
    let found = try setup.found(golden.given)
    #expect(abs(found.loss - golden.loss) < 1e-6 * golden.loss)
    #expect(Set(found.gradients.keys) == Set(golden.gradients.keys))
    for (name, expected) in golden.gradients {
      #expect(
        distance(found.doubles[name] ?? [], from: expected.values) < 2e-5, "\(name)")
    }
  }

  /// Both are in fp64, of weights that are exact in fp32; a step's own epsilon is 2.5e-13 less than 1e-5.
  @Test(arguments: try cases())
  func `the reference's loss and gradients are those of another implementation`(
    golden: TrainingGolden
  ) throws {
    let found = try golden.setup.reference(golden.given, epsilon: 1e-5)
    #expect(abs(found.loss - golden.loss) < 1e-13)
    #expect(
      distance(found.gradients, from: golden.gradients.mapValues(\.values)) < 1e-13)
  }
}

/// A tiny model, the targets of its tokens, and what came out.
struct TrainingGolden: Decodable, Sendable, CustomTestStringConvertible {
  let model: TinyModel
  let name: String
  let given: Tokens
  let loss: Double
  let gradients: [String: GoldenArray]
  /// Lengths of the documents in a row; nil where a row is one.
  private let documents: [Int]?

  private enum CodingKeys: String, CodingKey {
    case name, inputs, targets, loss, gradients, documents
  }

  init(from decoder: any Decoder) throws {
    model = try TinyModel(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    given = Tokens(
      ids: try container.decode([Int].self, forKey: .inputs),
      targets: try container.decode([Int].self, forKey: .targets))
    loss = try container.decode(Double.self, forKey: .loss)
    gradients = try container.decode([String: GoldenArray].self, forKey: .gradients)
    documents = try container.decodeIfPresent([Int].self, forKey: .documents)
  }

  var testDescription: String { name }

  var setup: StepSetup {
    var setup = StepSetup(model)
    if let documents { setup.sequences = documents }
    return setup
  }
}
