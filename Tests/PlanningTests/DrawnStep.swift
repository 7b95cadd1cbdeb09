import MemoryPlanning
import Planning
import Quantities
import Statistics

/// A small training step whose axes a seed decides: every checkpointing, precision, optimizer, loss and adapter comes up.
struct DrawnStep {
  static let threads = 2

  let values: [String: String]

  init(seed: UInt64) { self.init(SplitMix64(seed: SplitMix64.scrambled(seed))) }

  private init(_ random: SplitMix64) {
    var random = random
    func one(of words: [String]) -> String { words[random.next(under: words.count)] }
    func number(_ range: ClosedRange<Int>, times: Int = 1) -> String {
      "\((range.lowerBound + random.next(under: range.count)) * times)"
    }
    let adapter = one(of: ["none", "none", "lora(4)", "prefix(6)", "bottleneck(8)", "ia3"])
    let isFull = adapter == "none"
    var drawn = [
      "layers": number(2...6), "hidden": number(1...4, times: 64), "ffn": number(1...6, times: 64),
      "heads": "4", "kv-heads": one(of: ["1", "2", "4"]), "head-dim": one(of: ["16", "32", "64"]),
      "vocab": number(2...12, times: 64), "tied": one(of: ["yes", "no"]), "batch": number(1...16),
      "tokens": number(16...128),
      "checkpointing": one(of: [
        "none", "none", "pointwise", "attention", "block", "sqrt", "layers(2)", "segments(2)",
      ]),
      "precision": one(of: ["fp32", "fp32", "bf16", "fp16"] + (isFull ? ["bf16-pure"] : [])),
      "optimizer": one(of: ["adamw", "adamw", "adamw8", "sgd", "momentum"]),
      "loss": one(of: ["whole", "whole", "tokens(37)", "vocabulary(100)"]),
      "attention": adapter == "prefix(6)" ? "tiled" : one(of: ["tiled", "naive"]),
      "accumulation": one(of: ["1", "1", "2"]), "adapter": adapter,
    ]
    if !isFull { drawn["base"] = one(of: ["fp32", "bf16", "q8_0", "nf4"]) }
    let isFree = drawn["accumulation"] == "1" && drawn["precision"] != "fp16"
    if isFree { drawn["update"] = one(of: ["separate", "separate", "in-backward"]) }
    values = drawn
  }

  func setting() throws -> FitSetting {
    try FitSetting(values.merging(["workload": "training-step"]) { $1 })
  }
}

/// Such a step with a limit that it is too large for, and what the search proposes.
struct OverfullStep: Sendable, CustomStringConvertible {
  let seed: UInt64
  let setting: FitSetting
  let limit: Bytes
  let report: FitReport

  var description: String { "seed \(seed)" }

  /// The limit is 55 to 95 % of what the step needs.
  init(seed: UInt64) throws {
    self.seed = seed
    setting = try DrawnStep(seed: seed).setting()
    var solver = FitSolver(threads: DrawnStep.threads)
    let whole = try solver.report(setting, limit: nil, isExplained: false, allowed: nil)
    var random = SplitMix64(seed: seed)
    limit = Bytes(whole.needed.count * (55 + random.next(under: 41)) / 100)
    report = try solver.report(
      setting, limit: FitLimit(limit, name: "the limit"), isExplained: false, allowed: nil)
  }

  /// Those of the first seeds; a combination that is no problem would be missing.
  static let all: [OverfullStep] = (0..<60).compactMap { try? OverfullStep(seed: $0) }
}
