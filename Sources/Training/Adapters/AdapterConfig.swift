import Foundation
import Models
import Quantities

/// `adapter_config.json`, as far as it changes what is computed.
struct AdapterConfig: Codable {
  var peftType: String
  var taskType: String? = "CAUSAL_LM"
  var inferenceMode: Bool? = true
  // LoRA's
  var r: Int?
  var loraAlpha: Double?
  var loraDropout: Double?
  var targetModules: [String]?
  var bias: String?
  var fanInFanOut: Bool?
  var useDora: Bool?
  var useRslora: Bool?
  var rankPattern: [String: Int]?
  var alphaPattern: [String: Double]?
  var modulesToSave: [String]?
  // Of a prefix
  var numVirtualTokens: Int?
  var prefixProjection: Bool?
  var numLayers: Int?
  var tokenDim: Int?
  var numAttentionHeads: Int?
  var numTransformerSubmodules: Int?
  var encoderHiddenSize: Int?
  // IA3's
  var feedforwardModules: [String]?
  // A bottleneck's, which PEFT has not.
  var width: Int?

  init(_ options: AdapterOptions, _ shape: ModelShape) {
    switch options.adapter {
    case .none: peftType = "NONE"
    case .lora(let rank):
      peftType = "LORA"
      r = rank
      loraAlpha = Double(options.alpha)
      loraDropout = Double(options.dropout)
      targetModules = options.targets.map(\.lastName).sorted()
      bias = "none"
      fanInFanOut = false
    case .prefix(let tokens):
      peftType = "PREFIX_TUNING"
      numVirtualTokens = tokens
      prefixProjection = false
      numLayers = shape.layers
      tokenDim = shape.kvHeads * shape.headDim
      numAttentionHeads = shape.kvHeads
      numTransformerSubmodules = 1
      encoderHiddenSize = shape.kvHeads * shape.headDim
    case .ia3:
      peftType = "IA3"
      targetModules = ["down_proj", "k_proj", "v_proj"]
      feedforwardModules = ["down_proj"]
      fanInFanOut = false
    case .bottleneck(let width):
      peftType = "BOTTLENECK"
      self.width = width
    }
  }

  init(path: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(
        AdapterConfig.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch let error as DecodingError {
      throw AdapterFault.noConfig(path, why: "it is not what PEFT writes (\(error.key))")
    } catch {
      throw AdapterFault.noConfig(path, why: "there is no such file, or it is not to be read")
    }
  }

  /// What of it is computed here.
  func options(path: String) throws -> AdapterOptions {
    let refused: [(Bool, String)] = [
      (useDora == true, "DoRA"), (useRslora == true, "a scale by the root of the rank"),
      (!(rankPattern ?? [:]).isEmpty, "ranks of their own for some products"),
      (!(alphaPattern ?? [:]).isEmpty, "alphas of their own for some products"),
      (!(modulesToSave ?? []).isEmpty, "whole modules beside it"),
      (![nil, "none"].contains(bias), "biases"), (prefixProjection == true, "a projected prefix"),
      (fanInFanOut == true, "transposed weights"),
    ]
    if let one = refused.first(where: \.0) { throw AdapterFault.feature(path, one.1) }
    var options = AdapterOptions()
    switch peftType {
    case "LORA":
      options.adapter = .lora(rank: try positive(r, "r", path))
      options.alpha = Float(loraAlpha ?? 8)
      options.dropout = Float(loraDropout ?? 0)
      let names = targetModules ?? []
      options.targets = Set(
        ModelShape.Product.allCases.filter { names.contains($0.lastName) })
      let unknown = names.filter { name in
        !ModelShape.Product.allCases.contains { $0.lastName == name }
      }
      guard unknown.isEmpty, !names.isEmpty else {
        throw AdapterFault.unknownTargets(path, unknown.isEmpty ? ["nothing"] : unknown)
      }
    case "PREFIX_TUNING":
      options.adapter = .prefix(
        tokens: try positive(numVirtualTokens, "num_virtual_tokens", path))
    case "IA3":
      guard Set(targetModules ?? []) == ["k_proj", "v_proj", "down_proj"] else {
        throw AdapterFault.unknownTargets(path, targetModules ?? ["nothing"])
      }
      options.adapter = .ia3
    case "BOTTLENECK": options.adapter = .bottleneck(width: try positive(width, "width", path))
    default: throw AdapterFault.unknownType(path, peftType)
    }
    return options
  }

  private func positive(_ number: Int?, _ name: String, _ path: String) throws -> Int {
    guard let number, (1...1 << 20).contains(number) else {
      throw AdapterFault.noConfig(
        path, why: "\(name) is \(number.map(String.init) ?? "missing")")
    }
    return number
  }
}

extension DecodingError {
  /// Where it was.
  fileprivate var key: String {
    switch self {
    case .keyNotFound(let key, _): key.stringValue
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.last?.stringValue ?? "no JSON"
    @unknown default: "no JSON"
    }
  }
}

extension ModelShape.Product {
  /// The last word of its module's name: `q_proj`.
  var lastName: String { String(module.split(separator: ".").last ?? "") }
}
