import Models

/// The prediction of one kind of figure from a row's settings.
struct KnownQuantity {
  let row: KnownRow
  private let values: [String: String]
  private let setting: ForeignSetting

  /// A best estimate between two bounds, in the row's unit.
  struct Estimate {
    let best: Double
    let low: Double
    let high: Double

    init(_ best: Double, low: Double? = nil, high: Double? = nil) {
      self.best = best
      self.low = low ?? best
      self.high = high ?? best
    }

    func scaled(by factor: Double) -> Estimate {
      Estimate(best / factor, low: low / factor, high: high / factor)
    }
  }

  /// - Throws: `SettingFault` where the row's settings cannot be expressed.
  init(_ row: KnownRow) throws {
    self.row = row
    var values: [String: String] = [:]
    for part in row.settings.split(separator: ";") {
      let pair = part.split(separator: "=", maxSplits: 1).map {
        $0.trimmingPrefix { $0 == " " }
      }
      guard pair.count == 2 else {
        throw SettingFault.inexpressible("the setting '\(part)' has no value")
      }
      values[String(pair[0])] = String(pair[1])
    }
    self.values = values
    setting = try ForeignSetting(try Self.model(row, values), values)
  }

  /// A model of the table, or a plain GPT of the shape that the settings give.
  private static func model(_ row: KnownRow, _ values: [String: String]) throws -> Architecture {
    if let found = Architecture.named(row.model) { return found }
    // No model has such widths; products of two of them are 64-bit numbers.
    func count(_ key: String) -> Int? {
      values[key].flatMap { Int($0) }.flatMap { (1..<1 << 24).contains($0) ? $0 : nil }
    }
    guard let layers = count("layers"), let hidden = count("hidden"), let heads = count("heads"),
      hidden >= heads
    else {
      // Of states alone a count of weights is enough.
      let states = ["model_states_per_gpu_bytes", "weight_bytes", "total_bytes"]
      if let params = row.params, params > 8, params < 1 << 48, states.contains(row.quantity),
        values["seq"] == nil, values["quant"] == nil, values["base"] == nil, values["bits"] == nil
      {
        return Architecture(name: row.model, weights: params)
      }
      throw SettingFault.inexpressible(
        "the model '\(row.model)' is not in the table, and the settings have no layers, hidden and heads"
      )
    }
    return Architecture(
      name: row.model, layers: layers, hidden: hidden, ffn: count("ffn") ?? 4 * hidden,
      heads: heads, vocab: 51_200)
  }

  func answer() throws -> Estimate {
    switch row.quantity {
    case "bits_per_weight":
      return Estimate(
        Double(setting.weightBytes) * 8 / Double(setting.model.weights))
    case "fits": return try fits()
    case "max_seq": return try longest()
    default: break
    }
    guard let unit else {
      throw SettingFault.inexpressible(
        "the unit '\(row.unit)' of \(row.quantity) is not one of memory")
    }
    return try bytes().scaled(by: unit)
  }

  private var unit: Double? {
    switch row.unit.lowercased() {
    case "b", "byte", "bytes": 1
    case "kib": 1024
    case "mib": 1_048_576
    case "gib": 1_073_741_824
    case "tib": 1_099_511_627_776
    case "mb": 1e6
    case "gb": gigabyte
    case "tb": 1e12
    default: nil
    }
  }

  /// Some sources write GB and mean GiB; the note says so.
  private var gigabyte: Double {
    row.note.contains("GB = GiB") || row.note.contains("means GiB")
      || row.note.contains("GB means GiB")
      ? 1_073_741_824 : 1e9
  }

  private func bytes() throws -> Estimate {
    switch row.quantity {
    case "weight_bytes": return try weights()
    case "file_bytes":
      let tensors = try weights()
      let header = Double(LlamaCppMemory.header(of: setting.model))
      guard case .gguf = setting.weights else { return tensors }
      return Estimate(tensors.best + header, low: tensors.low, high: tensors.high + 2 * header)
    case "kv_bytes": return try cache()
    case "compute_buffer_bytes":
      let shape = (min(setting.microBatch, max(1, setting.context)), setting.context)
      return Estimate(
        Double(
          LlamaCppMemory.computeBuffer(
            of: setting.model, microBatch: shape.0, context: shape.1, isFlash: setting.isFlash)))
    case "model_states_per_gpu_bytes", "total_bytes": return try states()
    default: return try training()
    }
  }

  private func weights() throws -> Estimate {
    if setting.hasDoubtfulWeights, let doubt = setting.doubts.first {
      throw SettingFault.inexpressible(doubt)
    }
    return Estimate(Double(setting.weightBytes))
  }

  private func cache() throws -> Estimate {
    let tokens = setting.context > 0 ? setting.context : setting.tokens
    guard tokens > 0 else { throw SettingFault.missing(key: "ctx", why: "a cache has a length") }
    func bytes(_ padding: Int) -> Double {
      Double(
        CacheMemory.bytes(
          of: setting.model, tokens: tokens, sequences: setting.batch, keys: setting.cacheKeys,
          values: setting.cacheValues, window: setting.window, padding: padding))
    }
    // Newer versions pad the room to 256 tokens.
    return Estimate(bytes(1), low: bytes(1), high: bytes(256))
  }

  private func states() throws -> Estimate {
    let estimate = ForeignEstimate(setting)
    if row.quantity == "model_states_per_gpu_bytes" {
      let states = Double(estimate.statesPerDevice)
      return Estimate(states, high: states + Double(estimate.gathered))
    }
    return try estimate.total()
  }

  private func training() throws -> Estimate {
    let estimate = ForeignEstimate(setting)
    switch row.quantity {
    case "weights_plus_lora_bytes": return try estimate.resident()
    case "saved_bytes_per_layer": return try estimate.kept()
    case "activation_bytes": return try estimate.activations()
    case "peak_allocated_bytes": return try estimate.peak()
    case "peak_reserved_bytes": return try estimate.reserved()
    case "process_bytes": return try estimate.process()
    case let other:
      throw SettingFault.inexpressible("\(other) is not a quantity that is predicted here")
    }
  }

  // MARK: Limits

  private var budget: Double? {
    if let text = values["budget_gb"], let number = Double(text) { return number * gigabyte }
    if let text = values["budget_gib"], let number = Double(text) {
      return number * 1_073_741_824
    }
    if let text = values["budget_mib"], let number = Double(text) {
      return number * 1_048_576
    }
    return nil
  }

  private func fits() throws -> Estimate {
    guard let budget else {
      throw SettingFault.missing(key: "budget_gib", why: "whether something fits depends on it")
    }
    let need = try ForeignEstimate(setting).process()
    if need.high <= budget { return Estimate(1) }
    if need.low > budget { return Estimate(0) }
    return Estimate(need.best <= budget ? 1 : 0, low: 0, high: 1)
  }

  /// The longest sequence that fits.
  private func longest() throws -> Estimate {
    guard let budget else {
      throw SettingFault.missing(key: "budget_gib", why: "the longest sequence depends on it")
    }
    func longest(_ bound: (Estimate) -> Double) throws -> Double {
      var (fits, fails) = (0, 1 << 24)
      while fails - fits > 1 {
        let middle = (fits + fails) / 2
        var other = setting
        other.tokens = middle
        if (try? other.checkSize()) != nil,
          bound(try ForeignEstimate(other).process()) <= budget
        {
          fits = middle
        } else {
          fails = middle
        }
      }
      return Double(fits)
    }
    return Estimate(
      try longest(\.best), low: try longest(\.high), high: try longest(\.low))
  }
}
