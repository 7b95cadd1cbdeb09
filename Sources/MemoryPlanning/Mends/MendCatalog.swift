/// The changes that lower memory somewhere, each with the price that somebody measured.
package enum MendCatalog {
  /// - Parameters:
  ///   - values: of the setting as it is.
  ///   - isTraining: whether it is a step of training; else a model runs.
  ///   - isOwn: whether it is this program that runs it.
  package static func mends(
    for values: [String: String], isTraining: Bool, isOwn: Bool
  ) -> [Mend] {
    (isTraining ? training(values, isOwn) : inference(values, isOwn)).filter { mend in
      mend.changes.contains { values[$0.key] != $0.value }
    }
  }

  package static let names = [
    "accumulation", "loss", "attention", "checkpointing", "precision", "optimizer", "update",
    "lora", "base", "batch", "cache-type", "window", "bits",
  ]

  // MARK: Training

  private static func training(_ values: [String: String], _ isOwn: Bool) -> [Mend] {
    var found: [Mend] = []
    let batch = values["batch"].flatMap { Int($0) } ?? 1
    let parts = values["accumulation"].flatMap { Int($0) } ?? 1
    if values["update"] != "in-backward" {
      for times in [2, 4, 8, 16, 32] where batch.isMultiple(of: times) {
        found.append(
          Mend(
            "accumulation", "batch \(batch / times) with accumulation \(parts * times)",
            ["batch": "\(batch / times)", "accumulation": "\(parts * times)"],
            MendPrice(1.07, .quoted("canifinetune, 1.5B, batch 2 → 1"))))
      }
    }
    if (values["loss"] ?? "whole") == "whole" {
      found += [("512", 0.98), ("128", 1.0)].map { rows, ratio in
        Mend(
          "loss", "the loss in parts of \(rows) tokens", ["loss": "tokens(\(rows))"],
          MendPrice(ratio, .quoted("torchtune, chunked cross-entropy")))
      }
    }
    if ["naive", "eager"].contains(values["attention"] ?? "") {
      found.append(
        Mend(
          "attention", "attention by tiles", ["attention": isOwn ? "tiled" : "sdpa"],
          MendPrice(0.75, .quoted("fitcheck, TinyLlama on a T4"))))
    }
    return found + checkpointing(values, isOwn) + numbers(values, isOwn) + adapters(values)
  }

  private static func checkpointing(_ values: [String: String], _ isOwn: Bool) -> [Mend] {
    let now = values["checkpointing"] ?? "none"
    guard ["none", "0", "pointwise", "attention"].contains(now) else { return [] }
    let block = Mend(
      "checkpointing", "block checkpointing", ["checkpointing": "block"],
      MendPrice(1.26, .quoted("torchtune, canifinetune, xtrain: 1.21 to 1.27")))
    guard isOwn else { return [block] }
    return [
      Mend(
        "checkpointing", "pointwise checkpointing", ["checkpointing": "pointwise"],
        MendPrice(1.03, .quoted("a pass over memory for each norm and gate"))), block,
      Mend(
        "checkpointing", "checkpoints at the root of the layers", ["checkpointing": "sqrt"],
        MendPrice(1.33, .quoted("Chen et al. 2016: one more forward pass"))),
    ]
  }

  /// Numbers of fewer bits.
  private static func numbers(_ values: [String: String], _ isOwn: Bool) -> [Mend] {
    var found: [Mend] = []
    let precision = values["precision"] ?? values["compute"] ?? (isOwn ? "fp32" : "bf16")
    if precision == "fp32" {
      found.append(
        Mend(
          "precision", "activations in bf16", ["precision": "bf16", "compute": nil],
          MendPrice(0.75, .quoted("Micikevicius et al. 2018; depends on the processor"))))
    }
    if isOwn, values["adapter"] ?? "none" == "none", precision != "bf16-pure" {
      found.append(
        Mend(
          "precision", "weights and states in bf16, too",
          ["precision": "bf16-pure", "compute": nil],
          MendPrice(0.75, .quoted("depends on the processor")), changesTraining: true))
    }
    let optimizer = values["optimizer"] ?? "adamw"
    if optimizer.hasPrefix("adamw"), !["adamw8", "adamw_8bit", "adamw-8bit"].contains(optimizer) {
      found.append(
        Mend(
          "optimizer", "AdamW in 8 bits", ["optimizer": "adamw8"],
          MendPrice(1.05, .quoted("torchtune, 8-bit AdamW")), changesTraining: true))
    }
    let isFree =
      (values["accumulation"] ?? "1") == "1" && (values["clip"] ?? "none") == "none"
      && precision != "fp16"
    if isFree, values["update"] != "in-backward" {
      found.append(
        Mend(
          "update", "each parameter updated as soon as its gradient is whole",
          ["update": "in-backward"],
          MendPrice(0.99, .quoted("torchtune, optimizer in backward; forbids accumulation"))))
    }
    return found
  }

  private static func adapters(_ values: [String: String]) -> [Mend] {
    let isFull =
      (values["adapter"] ?? "none") == "none" && (values["method"] ?? "full") == "full"
      && values["rank"] == nil
    var found: [Mend] = []
    if isFull, values["precision"] != "bf16-pure" {
      found.append(
        Mend(
          "lora", "LoRA of rank 8 beside weights in bf16",
          ["method": nil, "rank": nil, "adapter": "lora(8)", "base": "bf16"],
          MendPrice(0.85, .quoted("torchtune, full → LoRA")), changesTraining: true))
      found.append(
        Mend(
          "lora", "LoRA of rank 8 beside weights in nf4 (QLoRA)",
          ["method": nil, "rank": nil, "adapter": "lora(8)", "base": "nf4"],
          MendPrice(0.9, .quoted("torchtune, full → QLoRA")), changesTraining: true))
      return found
    }
    if !isFull, (values["base"] ?? "fp32") == "fp32", values["method"] != "qlora" {
      found.append(
        Mend(
          "base", "frozen weights in bf16", ["base": "bf16"],
          MendPrice(1.0, .quoted("half the bytes of weights are read"))))
    }
    if !isFull, values["base"] != "nf4", values["method"] != "qlora" {
      found.append(
        Mend(
          "base", "frozen weights in nf4 (QLoRA)", ["base": "nf4"],
          MendPrice(1.3, .quoted("torchtune 1.02, litgpt 1.56: LoRA → QLoRA")),
          changesTraining: true))
    }
    return found
  }

  // MARK: Inference

  private static func inference(_ values: [String: String], _ isOwn: Bool) -> [Mend] {
    var found: [Mend] = []
    let cache = values["cache-type"] ?? values["cache-type-k"] ?? values["kv"] ?? "fp16"
    for type in ["q8_0", "q4_0"] where cache != type && cache != "q4_0" {
      let keys: [String: String?] =
        isOwn
        ? ["cache-type": nil, "cache-type-k": type, "cache-type-v": type] : ["kv": type]
      found.append(
        Mend(
          "cache-type", "the cache in \(type)", keys,
          MendPrice(1.0, .quoted("fewer bytes of cache are read for each token"))))
    }
    if values["variant"] == "naive" {
      found.append(
        Mend(
          "attention", "attention by tiles", ["variant": "best"],
          MendPrice(0.75, .quoted("fitcheck, TinyLlama on a T4"))))
    }
    let format = values["format"] ?? (values["layers"] == nil ? "q4_k" : "fp16")
    for (type, bits) in [("q8_0", 8), ("q4_k", 4)] where isOwn && format != type && format != "q4_k"
    {
      found.append(
        Mend(
          "bits", "weights in \(type)", ["format": type, "bits": nil],
          MendPrice(
            Double(bits) / 16 + 0.1, .quoted("bytes of weights that are read for each token")),
          changesTraining: true))
    }
    let batch = values["batch"].flatMap { Int($0) } ?? 1
    if batch > 1 {
      found.append(
        Mend(
          "batch", "batch \(batch / 2)", ["batch": "\(batch / 2)"],
          MendPrice(1.6, .quoted("two calls in place of one; weights are read twice"))))
    }
    return found
  }
}
