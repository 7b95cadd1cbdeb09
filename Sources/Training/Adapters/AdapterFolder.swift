import Foundation
import Kernels
import ModelFiles
package import Models
package import Quantities

/// An adapter as PEFT keeps it: `adapter_config.json` and `adapter_model.safetensors` in a folder.
///
/// - Source: peft 0.21, `save_pretrained`.
package struct AdapterFolder: AdapterWeights {
  package let options: AdapterOptions
  /// By the names that a step's parameters have.
  private let numbers: [String: [Float]]

  private static let config = "adapter_config.json"
  private static let model = "adapter_model.safetensors"

  /// Writes a step's adapter. A bottleneck, which PEFT has not, keeps names of its own.
  ///
  /// - Throws: `ModelFileFault` or `SafetensorsFault`, or what the file system says of the folder.
  package static func write(
    _ parameters: [Parameter], of shape: ModelShape, _ options: AdapterOptions, to folder: String
  ) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let trained = parameters.filter(\.isTrained)
    let entries =
      options.adapter.prefix > 0
      ? [promptEmbeddings(trained, shape)]
      : trained.map { one in
        SafetensorsEntry(
          one.name, .f32, shape: [one.rows, one.columns],
          bytes: UnsafeRawBufferPointer(
            start: one.tensor.start, count: one.tensor.bytes.count))
      }
    try SafetensorsWriter(entries, metadata: ["format": "pt"]).write(to: "\(folder)/\(model)")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try encoder.encode(AdapterConfig(options, shape)).write(
      to: URL(fileURLWithPath: "\(folder)/\(config)"), options: .atomic)
  }

  /// PEFT has the prefixes of all layers in one matrix: tokens × (layer, keys or values, head, number).
  private static func promptEmbeddings(_ trained: [Parameter], _ shape: ModelShape)
    -> SafetensorsEntry
  {
    let (tokens, width) = (trained[0].rows, trained[0].columns)
    let columns = trained.count * width
    var values = [Float](repeating: 0, count: tokens * columns)
    for (place, parameter) in trained.enumerated() {
      for token in 0..<tokens {
        for column in 0..<width {
          values[token * columns + place * width + column] =
            parameter.floats[token * width + column]
        }
      }
    }
    return SafetensorsEntry("prompt_embeddings", shape: [tokens, columns], values: values)
  }

  /// Reads an adapter of a model.
  ///
  /// - Throws: `AdapterFault` for one that this program does not compute, or that is another model's;
  ///   `ModelFileFault` or `SafetensorsFault` for files that cannot be read.
  package init(_ folder: String, of shape: ModelShape) throws {
    let path = "\(folder)/\(Self.config)"
    let config = try AdapterConfig(path: path)
    options = try config.options(path: path)
    let file = try SafetensorsFile("\(folder)/\(Self.model)")
    var numbers: [String: [Float]] = [:]
    for expected in try Self.expected(shape, options) {
      if options.adapter.prefix > 0 {
        numbers[expected.name] = try Self.prefix(expected, file, shape)
        continue
      }
      let tensor = try file.tensor(expected.name)
      guard tensor.shape == [expected.rows, expected.columns] else {
        throw AdapterFault.otherShape(
          file.path, expected.name, found: tensor.shape, wanted: [expected.rows, expected.columns])
      }
      numbers[expected.name] = try file.values(of: expected.name, as: Float.self)
    }
    self.numbers = numbers
  }

  /// Names and sizes of an adapter's weights, in the order in which a step has them.
  private static func expected(_ shape: ModelShape, _ options: AdapterOptions) throws -> [Parameter]
  {
    let ledger = MemoryLedger.plan()
    let ids = try ledger.tensor(.fp32, [1, 1], .activations)
    var step = TrainingOptions()
    step.adapter = options
    return try TrainingStep.parameters(
      shape, weights: MadeUpWeights(shape, seed: 0), adapters: MadeUpAdapters(seed: 0),
      batch: TrainingBatch(sequences: [1], ids: ids, targets: ids), step, in: ledger
    ).filter(\.isTrained)
  }

  /// One layer's keys or values out of the matrix of all.
  private static func prefix(
    _ expected: Parameter, _ file: SafetensorsFile, _ shape: ModelShape
  ) throws -> [Float] {
    let columns = 2 * shape.layers * expected.columns
    let tensor = try file.tensor("prompt_embeddings")
    guard tensor.shape == [expected.rows, columns] else {
      throw AdapterFault.otherShape(
        file.path, "prompt_embeddings", found: tensor.shape, wanted: [expected.rows, columns])
    }
    let all = try file.values(of: "prompt_embeddings", as: Float.self)
    let words = expected.name.split(separator: ".")
    let place = 2 * (Int(words[1]) ?? 0) + (words[2] == "keys" ? 0 : 1)
    return (0..<expected.rows).flatMap { token in
      let first = token * columns + place * expected.columns
      return all[first..<first + expected.columns]
    }
  }

  package func fill(
    _ name: String, _ part: AdapterPart, rows: Int, columns: Int,
    into numbers: UnsafeMutablePointer<Float>
  ) {
    guard let known = self.numbers[name], known.count == rows * columns else {
      preconditionFailure("an adapter is read for the model that it is put on")
    }
    known.withUnsafeBufferPointer { from in
      if let start = from.baseAddress { numbers.update(from: start, count: known.count) }
    }
  }
}

/// Why an adapter cannot be read.
package enum AdapterFault: FaultConvertible {
  case noConfig(String, why: String)
  case unknownType(String, String)
  case unknownTargets(String, [String])
  case feature(String, String)
  case otherShape(String, String, found: [Int], wanted: [Int])

  package var fault: Fault {
    switch self {
    case .noConfig(let path, let why):
      Fault(
        "the adapter's configuration cannot be read: \(why)", at: path,
        fix: "give the folder that PEFT's save_pretrained wrote")
    case .unknownType(let path, let type):
      Fault(
        "the adapter is \(type), which is not computed here", at: path,
        fix: "use LORA, PREFIX_TUNING or IA3")
    case .unknownTargets(let path, let names):
      Fault(
        "the adapter goes beside \(names.joined(separator: ", ")), which no product here is called",
        at: path,
        fix: "use \(ModelShape.Product.allCases.map { $0.lastName }.joined(separator: ", "))")
    case .feature(let path, let name):
      Fault(
        "the adapter uses \(name), which is not computed here", at: path,
        fix: "train it without")
    case .otherShape(let path, let name, let found, let wanted):
      Fault(
        "\(name) is \(found), and the model has room for \(wanted)", at: path,
        fix: "put the adapter on the model that it was trained for")
    }
  }
}
