import Foundation
import Kernels
import Models
import Testing
import Training
import Workloads

/// Adapters against those of PEFT in fp64: see `adapters.py`.
struct AdapterGoldenTests {
  /// Biases of bottlenecks are not trained here.
  private static func cases() throws -> [AdapterGolden] {
    try GoldenFile<[AdapterGolden]>.cases("adapters").filter { $0.name != "bottleneck with biases" }
  }

  /// As few roundings as without adapters: see `TrainingGoldenTests`.
  @Test(arguments: try cases(), InstructionSet.trained)
  func `loss and gradients are those of another implementation`(
    golden: AdapterGolden, instructions: InstructionSet
  ) throws {
    var setup = try golden.setup
    setup.instructions = instructions
    let found = try setup.found(TinyModel.grouped.tokens())
    #expect(abs(found.loss - golden.loss) < 1e-6 * golden.loss)
    #expect(Set(found.gradients.keys) == Set(golden.expected.keys))
    for (name, expected) in golden.expected {
      #expect(distance(found.doubles[name] ?? [], from: expected) < 2e-5, "\(name)")
    }
  }

  @Test(arguments: try cases())
  func `the reference's loss and gradients are those of another implementation`(
    golden: AdapterGolden
  ) throws {
    let found = try golden.setup.reference(TinyModel.grouped.tokens(), epsilon: 1e-5)
    #expect(abs(found.loss - golden.loss) < 1e-13)
    for (name, expected) in golden.expected {
      #expect(distance(found.gradients[name] ?? [], from: expected) < 1e-13, "\(name)")
    }
  }

  /// Where names are PEFT's, its tensors have the same shapes.
  @Test(arguments: try cases())
  func `tensors have the shapes of files that PEFT writes`(golden: AdapterGolden) throws {
    let session = try TrainingSession(golden.setup)
    let trained = session.step.parameters.filter(\.isTrained)
    for parameter in trained where golden.gradients[parameter.name] != nil {
      #expect(golden.gradients[parameter.name]?.shape == parameter.tensor.shape)
    }
    #expect(
      trained.map(\.count).reduce(0, +)
        == golden.gradients.values.reduce(0) { $0 + $1.values.count })
  }

  @Test(arguments: try cases())
  func `what is frozen has no gradient and stays as it is`(golden: AdapterGolden) throws {
    var setup = try golden.setup
    setup.options.optimizer = Optimizer(.adamw, rate: 0.01, decay: 0.1)
    let session = try TrainingSession(setup)
    let before = session.weights
    let found = session.run(TinyModel.grouped.tokens())
    let after = session.weights
    for parameter in session.step.parameters {
      let name = parameter.name
      #expect((found.gradients[name] != nil) == parameter.isTrained, "\(name)")
      #expect((before[name] == after[name]) == !parameter.isTrained, "\(name)")
    }
  }

  /// The gradient of A goes through B, and that of B through A, which is not 0.
  @Test func `of a LoRA whose B is 0 the first step moves each B, and no A`() throws {
    var setup = StepSetup(.grouped)
    setup.adapters = UntrainedAdapters(others: TinyAdapters(model: .grouped))
    setup.options.adapter.adapter = .lora(rank: 4)
    setup.options.optimizer = Optimizer(.adamw, rate: 0.01, decay: 0)
    let session = try TrainingSession(setup)
    let before = session.weights
    _ = session.run(TinyModel.grouped.tokens())
    let after = session.weights
    let trained = session.step.parameters.filter(\.isTrained).map(\.name)
    #expect(trained.count == 2 * 2 * 7)
    for name in trained {
      #expect((before[name] != after[name]) == name.hasSuffix("lora_B.weight"), "\(name)")
    }
  }
}

/// An adapter of the grouped model, and its gradients by names as PEFT writes them.
struct AdapterGolden: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let loss: Double
  let gradients: [String: GoldenArray]

  var testDescription: String { name }

  var setup: StepSetup {
    get throws {
      var setup = StepSetup(.grouped)
      setup.options.adapter.alpha = 8
      switch name {
      case "LoRA of all products": setup.options.adapter.adapter = .lora(rank: 4)
      case "LoRA of queries and values":
        setup.options.adapter.adapter = .lora(rank: 4)
        setup.options.adapter.targets = [.q, .v]
      case "prefix": setup.options.adapter.adapter = .prefix(tokens: 3)
      case "(IA)3": setup.options.adapter.adapter = .ia3
      case "bottleneck": setup.options.adapter.adapter = .bottleneck(width: 6)
      default: throw UnknownAdapter(name: name)
      }
      return setup
    }
  }

  /// By the names here: PEFT has all of a prefix in one matrix, and no bottlenecks, which are named by module.
  var expected: [String: [Double]] {
    var found: [String: [Double]] = [:]
    for (name, array) in gradients {
      if name == "prompt_embeddings" {
        found.merge(split(array)) { $1 }
      } else if name.hasPrefix("layers.") {
        let own = "bottleneck." + name.dropFirst("layers.".count)
        found[
          own.replacingOccurrences(of: "self_attn", with: "attention")
            .replacingOccurrences(of: "mlp", with: "network")] = array.values
      } else {
        found[name] = array.values
      }
    }
    return found
  }

  /// A row a token: [layer][key, value][head][element].
  private func split(_ prefix: GoldenArray) -> [String: [Double]] {
    let layers = TinyModel.grouped.layers
    let width = prefix.shape[1] / (2 * layers)
    var found: [String: [Double]] = [:]
    for place in 0..<2 * layers {
      found["prefix.\(place / 2).\(place % 2 == 0 ? "keys" : "values")"] =
        (0..<prefix.shape[0]).flatMap { token in
          let start = token * prefix.shape[1] + place * width
          return prefix.values[start..<start + width]
        }
    }
    return found
  }
}

private struct UnknownAdapter: Error { let name: String }
