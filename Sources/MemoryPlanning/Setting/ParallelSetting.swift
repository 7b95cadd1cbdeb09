package import Models

/// How a model is shared among devices.
package struct ParallelSetting: Hashable, Sendable {
  /// All devices.
  package var world = 1
  /// Devices that share each product, and its rows of norms where `sequence`.
  package var tensor = 1
  package var sequence = false
  /// Devices that have some layers each.
  package var pipeline = 1
  /// Devices that share a sequence's tokens.
  package var context = 1
  /// What copies of a model share: 1 states, 2 gradients, 3 weights, too.
  package var zero = 0
  package var offloadsStates = false
  package var offloadsWeights = false
  package var isSelective = false
  package var recomputesAll = false
  /// Stages of a device, where they are interleaved.
  package var interleaved = 1

  /// That share one thing: the product of three such counts is a 64-bit number.
  private static let mostDevices = 1 << 16

  package init() {}

  init(_ values: inout SettingValues) throws {
    tensor = max(1, try values.count("tp") ?? 1)
    pipeline = max(1, try values.count("pp") ?? 1)
    context = max(1, try values.count("cp") ?? 1)
    guard max(tensor, pipeline, context) <= Self.mostDevices else { throw SettingFault.tooLarge }
    sequence = (values.text("sp") ?? "0") != "0"
    zero = try values.count("zero") ?? 0
    if let shared = values.text("fsdp") {
      zero = shared == "0" ? zero : 3
      if let devices = Int(shared), devices > 1 { world = devices }
    }
    world = max(1, try values.count("world") ?? max(world, tensor * pipeline))
    let offload = values.text("offload") ?? ""
    offloadsStates =
      try values.flag("offload_opt") ?? ["1", "opt", "optimizer", "both"].contains(offload)
    offloadsWeights = try values.flag("offload_param") ?? ["param", "both"].contains(offload)
    if let schedule = values.text("schedule") {
      if let stages = schedule.split(separator: "-").compactMap({ Int($0) }).first {
        interleaved = stages
      }
    }
    switch values.text("recompute") ?? values.text("ckpt") ?? "" {
    case "selective": isSelective = true
    case "full", "1": recomputesAll = true
    default: break
    }
    guard zero <= 3 else {
      throw SettingFault.unknownWord(key: "zero", value: "\(zero)", known: ["0", "1", "2", "3"])
    }
  }

  /// Micro-batches that the first stage of a pipeline holds, each of its own layers, over the layers of one model:
  /// more where stages are interleaved.
  ///
  /// - Source: Korthikanti et al. (2022), section 4.2.3.
  var inFlight: Double {
    guard pipeline > 1, interleaved > 1 else { return 1 }
    return 1 + Double(pipeline - 1) / Double(pipeline * interleaved)
  }

  /// Copies of the model that share its states.
  package var copies: Int { max(1, world / (tensor * pipeline * context)) }
  package var isAlone: Bool { world == 1 }
}

/// States of a model shared among devices: weights, gradients and an optimizer's numbers.
///
/// - Source: Rajbhandari et al., "ZeRO" (2020), figure 1: 2, 2 and 12 bytes of each weight in mixed precision.
package enum SharedStates {
  /// Bytes on one device.
  ///
  /// - Parameters:
  ///   - weights, gradients, optimizer: bytes of all of them.
  ///   - largest: bytes of the layers that are gathered at once where weights are shared.
  package static func perDevice(
    weights: Int, gradients: Int, optimizer: Int, largest: Int, _ setting: ParallelSetting
  ) -> Int {
    let parts = setting.copies
    let own = (weights, gradients, optimizer)
    let share = setting.tensor * setting.pipeline
    let states = setting.offloadsStates ? 0 : own.2 / share / (setting.zero >= 1 ? parts : 1)
    let slopes = own.1 / share / (setting.zero >= 2 ? parts : 1)
    guard setting.zero == 3 else { return own.0 / share + slopes + states }
    let kept = setting.offloadsWeights ? 0 : own.0 / share / parts
    return kept + largest / share + (setting.offloadsWeights ? 0 : slopes) + states
  }

  /// Bytes in the host's memory: what is off-loaded.
  package static func onHost(weights: Int, optimizer: Int, _ setting: ParallelSetting) -> Int {
    (setting.offloadsStates ? optimizer : 0) + (setting.offloadsWeights ? weights : 0)
  }
}

/// Activations of a layer of a GPT in 16 bits, with dropout and all weights of attention kept.
///
/// - Source: Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models" (2022), table 2.
package enum SharedActivations {
  package static func perLayer(
    of model: Architecture, batch: Int, tokens: Int, _ setting: ParallelSetting
  ) -> Double {
    let rows = Double(batch * tokens) * Double(model.hidden)
    let squares =
      setting.isSelective ? 0 : 5 * Double(model.heads) * Double(tokens) / Double(model.hidden)
    let parts = Double(setting.tensor)
    if setting.recomputesAll { return 2 * rows / (setting.sequence ? parts : 1) }
    if setting.sequence { return rows / parts * (34 + squares) }
    return rows * (10 + (24 + squares) / parts)
  }
}
