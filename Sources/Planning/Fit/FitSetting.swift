package import MemoryPlanning
package import Models
import Quantities
import Workloads

/// A setting whose memory is asked for: a model, what is done with it and where, as keys and values.
package struct FitSetting: Hashable, Sendable {
  /// By the names of axes, and of the short forms.
  package private(set) var values: [String: String]

  /// What runs it.
  package enum Runtime: String, CaseIterable, Sendable {
    case headroom
    case pytorch
    case llamaCpp = "llama.cpp"
  }

  /// - Throws: `SettingFault` for a key that is none.
  package init(_ values: [String: String]) throws {
    self.values = values
    for key in values.keys where !Self.isKnown(key) {
      throw SettingFault.unknownKey(key, known: Self.keys.sorted())
    }
  }

  package subscript(key: String) -> String? { values[key] }

  /// The same with some values changed; nil leaves a key out.
  package func changing(_ changes: [String: String?]) -> FitSetting {
    var copy = self
    for (key, value) in changes { copy.values[key] = value }
    return copy
  }

  // MARK: Keys

  /// Short for an axis's value, or for what other programs have besides.
  static let shortForms = [
    "model", "runtime", "workload", "method", "rank", "compute", "mode",
  ]

  private static let axes: Set<String> = {
    let axes = WorkloadCatalog.standard.workloads.flatMap { $0.allAxes.map(\.name) }
    return Set(axes + ["cache-type", "bits", "saver"])
  }()

  /// Of other programs, with hyphens.
  private static let foreign: Set<String> = Set(
    ForeignSetting.keys.map { $0.replacing("_", with: "-") })

  package static let keys = axes.union(foreign).union(shortForms)

  private static func isKnown(_ key: String) -> Bool { keys.contains(key) }

  // MARK: What it is of

  package func runtime() throws -> Runtime {
    guard let name = values["runtime"] else { return .headroom }
    guard let found = Runtime(rawValue: name.lowercased()) else {
      throw SettingFault.unknownWord(
        key: "runtime", value: name, known: Runtime.allCases.map(\.rawValue))
    }
    return found
  }

  /// The workload of this program that it is a problem of.
  package var workload: String {
    if let given = values["workload"] { return given }
    let isDecoder =
      values["mode"] == "inference"
      || ["phase", "prompt", "depth", "kv-cache", "format", "cache-type", "cache-type-k", "bits"]
        .contains { values[$0] != nil }
    return isDecoder ? "decoder" : "training-step"
  }

  package func model() throws -> Architecture? {
    guard let name = values["model"] else { return nil }
    guard let found = Architecture.named(name) else {
      throw SettingFault.unknownWord(
        key: "model", value: name, known: Architecture.all.map(\.name))
    }
    return found
  }
}

// MARK: This program

extension FitSetting {
  /// The axes of its workload, with what a model's name and short forms stand for.
  ///
  /// - Throws: `SettingFault`.
  package func axes() throws -> [String: String] {
    var axes = values
    for key in Self.shortForms { axes[key] = nil }
    if let model = try model() {
      if let refusal = model.refusal {
        throw SettingFault.contradiction(
          "\(model.name) has \(refusal), which this program's layers have not",
          mend: "ask with runtime pytorch or llama.cpp, or name another model")
      }
      for (name, value) in model.axisValues where axes[name] == nil { axes[name] = value }
    }
    switch workload {
    case "training-step":
      axes["mlp"] = nil
      try shortenTraining(&axes)
    case "decoder", "decoder-block": try shortenDecoder(&axes)
    default: break
    }
    for key in axes.keys where !Self.axes.contains(key) {
      throw SettingFault.contradiction(
        "\(key) is nothing that this program's \(workload) knows",
        mend: "leave it out, or ask with runtime pytorch or llama.cpp")
    }
    return axes
  }

  private func shortenTraining(_ axes: inout [String: String]) throws {
    if let compute = values["compute"] { axes["precision"] = compute }
    switch axes["attention"] {
    case "eager": axes["attention"] = "naive"
    case "sdpa", "flash", "flash2": axes["attention"] = "tiled"
    default: break
    }
    if let doubled = values["double-quant"] {
      guard ["1", "true", "yes", "on"].contains(doubled) else {
        throw SettingFault.contradiction(
          "this program's nf4 always has double quantization, and double-quant is \(doubled)",
          mend: "leave double-quant out, or ask with runtime pytorch")
      }
      axes["double-quant"] = nil
    }
    if let zero = values["zero"] {
      guard zero == "0" else {
        throw SettingFault.contradiction(
          "ZeRO \(zero) shares states among devices, and this program runs on one",
          mend: "use zero 0, or ask with runtime pytorch and world, the number of devices")
      }
      axes["zero"] = nil
    }
    guard let method = values["method"] else {
      if let rank = values["rank"] { axes["adapter"] = "lora(\(rank))" }
      return
    }
    let rank = values["rank"] ?? "8"
    switch method {
    case "full": axes["adapter"] = "none"
    case "lora": axes["adapter"] = "lora(\(rank))"
    case "qlora":
      axes["adapter"] = "lora(\(rank))"
      let base = values["base"] ?? "nf4"
      guard !["fp32", "fp16", "bf16"].contains(base) else {
        throw SettingFault.contradiction(
          "QLoRA trains beside quantized weights, and base is \(base)",
          mend: "use base nf4, or method lora")
      }
      axes["base"] = base
    case "prefix", "bottleneck": axes["adapter"] = "\(method)(\(rank))"
    case "ia3": axes["adapter"] = "ia3"
    default:
      throw SettingFault.unknownWord(
        key: "method", value: method,
        known: ["full", "lora", "qlora", "prefix", "bottleneck", "ia3"])
    }
  }

  private func shortenDecoder(_ axes: inout [String: String]) throws {
    if let type = values["cache-type"] {
      (axes["cache-type-k"], axes["cache-type-v"]) = (type, type)
      axes["cache-type"] = nil
    }
    if let bits = values["bits"] {
      let formats = [
        "32": "fp32", "16": "fp16", "8": "q8_0", "6": "q6_k", "5": "q5_k", "4": "q4_k",
        "3": "q3_k", "2": "q2_k",
      ]
      guard let format = formats[bits] else {
        throw SettingFault.unknownWord(key: "bits", value: bits, known: formats.keys.sorted())
      }
      axes["format"] = format
      axes["bits"] = nil
    }
    if let batch = axes["ctx"] {
      axes["depth"] = axes["depth"] ?? batch
      axes["ctx"] = nil
    }
  }
}

// MARK: Other programs

extension FitSetting {
  /// The same for another program, whose words for it differ.
  ///
  /// - Throws: `SettingFault`.
  package func foreign() throws -> ForeignSetting {
    guard let model = try model() else {
      throw SettingFault.missing(key: "model", why: "another program's memory depends on it")
    }
    var given: [String: String] = [:]
    for (key, value) in values where !["model", "runtime", "workload"].contains(key) {
      try translate(key, value, into: &given)
    }
    if try runtime() == .llamaCpp {
      given["mode"] = "inference"
      given["engine"] = "llama.cpp"
    }
    var setting = try ForeignSetting(model, given)
    if let rows = lossRows {
      setting.torch.loss = .chunked
      setting.lossRows = rows
    }
    return setting
  }

  private func translate(_ key: String, _ value: String, into given: inout [String: String]) throws
  {
    switch key {
    case "rank": given["lora_r"] = value
    case "precision", "compute":
      let type = value == "bf16-pure" ? "bf16" : value
      given["compute"] = type
      if values["dtype"] == nil { given["dtype"] = type }
    case "attention":
      given["attn"] = ["naive": "eager", "tiled": "sdpa"][value] ?? value
    case "checkpointing":
      let kinds = ["none": "0", "block": "1", "full": "1", "0": "0", "1": "1"]
      guard let kind = kinds[value] else {
        throw SettingFault.inexpressible(
          "checkpointing \(value) is this program's own; PyTorch's are none and block")
      }
      given["ckpt"] = kind
    case "loss" where lossRows != nil || value == "whole": break
    case "loss" where value.hasSuffix(")"):
      throw SettingFault.inexpressible("loss \(value) has no form under PyTorch here")
    case "update": given["opt_in_bwd"] = value == "in-backward" ? "1" : "0"
    case "optimizer": given["optimizer"] = value == "adamw8" ? "adamw_8bit" : value
    case "adapter": try translateAdapter(value, into: &given)
    case "format" where ["gptq", "awq", "mlx", "gguf"].contains(value): given["format"] = value
    case "format": given["quant"] = value.uppercased()
    case "cache-type": given["kv"] = value
    case "depth": given["ctx"] = value
    case "alpha", "clip", "rope", "rope-base", "rope-scaling", "tied", "threads", "variant",
      "cache", "seed":
      break
    default: given[key.replacing("-", with: "_")] = value
    }
  }

  private func translateAdapter(_ value: String, into given: inout [String: String]) throws {
    if value == "none" {
      given["method"] = given["method"] ?? "full"
    } else if value.hasPrefix("lora("), value.hasSuffix(")") {
      given["method"] = given["method"] ?? "lora"
      given["lora_r"] = String(value.dropFirst(5).dropLast())
    } else {
      throw SettingFault.inexpressible("adapter \(value) has no form under PyTorch here")
    }
  }

  /// Rows whose logits are held at one time, where they are cut.
  private var lossRows: Int? {
    guard let loss = values["loss"], loss.hasPrefix("tokens("), loss.hasSuffix(")") else {
      return nil
    }
    return Int(loss.dropFirst(7).dropLast()).flatMap { $0 > 0 ? $0 : nil }
  }
}
