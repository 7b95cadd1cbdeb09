import Foundation
import MemoryPlanning
import Models
import Quantities
import Testing

/// Whole steps as PyTorch counts them itself, by `Golden/torch_steps.py`.
@Suite struct TorchStepTests {
  struct Row: Decodable, CustomTestStringConvertible {
    let model, dtype, attention, targets, phase: String
    let batch, tokens, rank: Int
    let checkpoint: Bool
    let peaks: [String: Int]

    var testDescription: String { "\(model) \(dtype) \(batch)x\(tokens) \(attention) \(rank)" }

    var options: TorchOptions {
      var options = TorchOptions()
      options.dtype = dtype == "float32" ? .fp32 : .bf16
      options.attention = attention == "eager" ? .eager : .fused
      options.checkpointing = checkpoint ? .layers : .none
      let letters: [Character: ModelShape.Product] = [
        "q": .q, "k": .k, "v": .v, "o": .out, "g": .gate, "u": .up, "d": .down,
      ]
      if rank > 0 {
        options.adapter = .lora(.init(rank: rank, targets: Set(targets.compactMap { letters[$0] })))
      }
      return options
    }
  }

  static let rows: [Row] = {
    guard let url = Bundle.module.url(forResource: "torch-steps", withExtension: "json"),
      let data = try? Data(contentsOf: url),
      let rows = try? JSONDecoder().decode([Row].self, from: data)
    else { return [] }
    return rows
  }()

  @Test func `there are as many rows as the golden file was made with`() {
    #expect(Self.rows.count == 29)
  }

  @Test(arguments: rows)
  func `the peak of a step is PyTorch's own count within 0.2 %, and its phase is the right one`(
    row: Row
  ) throws {
    let model = try #require(Architecture.named(row.model))
    let form = TorchStep(model, row.options).form()
    let counts = BatchCounts(batch: row.batch, tokens: row.tokens)
    let known = try #require(row.peaks[row.phase])
    let error = Double(form.peak(at: counts) - known) / Double(known)
    #expect(abs(error) < 0.002, "\(error)")
    let binding = try #require(form.binding(at: counts))
    let phases: [String: [PlanPhase]] = [
      "forward": [.load, .forward], "backward": [.loss, .backward, .embedding],
      "optimizer": [.optimizer],
    ]
    #expect(phases[row.phase]?.contains(binding.phase) == true, "\(binding.phase)")
  }

  @Test(arguments: rows)
  func `roles add up to the peak, and so do the terms that explain it`(row: Row) throws {
    let model = try #require(Architecture.named(row.model))
    let form = TorchStep(model, row.options).form(isExplained: true)
    let counts = BatchCounts(batch: row.batch, tokens: row.tokens)
    let binding = try #require(form.binding(at: counts))
    #expect(binding.roles(at: counts).values.reduce(.zero, +).count == form.peak(at: counts))
    let terms = binding.terms.map { $0.size.bytes(at: counts) }.reduce(0, +)
    #expect(terms == form.peak(at: counts))
  }

  @Test(
    arguments: [TorchOptions.Attention.eager, .fused], [TorchOptions.Checkpoints.none, .layers])
  func `more of anything never takes less`(
    attention: TorchOptions.Attention, checkpoints: TorchOptions.Checkpoints
  ) throws {
    let model = try #require(Architecture.named("smollm2-135m"))
    var options = TorchOptions()
    options.attention = attention
    options.checkpointing = checkpoints
    let form = TorchStep(model, options).form()
    func peak(_ batch: Int, _ tokens: Int) -> Int {
      form.peak(at: BatchCounts(batch: batch, tokens: tokens))
    }
    for batch in [1, 2, 4] {
      for tokens in [128, 256, 512] {
        #expect(peak(batch, tokens) < peak(2 * batch, tokens))
        #expect(peak(batch, tokens) < peak(batch, 2 * tokens))
      }
    }
  }

  @Test func `gradients that stay for the next micro-batch never take less`() throws {
    let model = try #require(Architecture.named("tinyllama-1.1b"))
    var options = TorchOptions()
    let counts = BatchCounts(batch: 4, tokens: 1024)
    let once = TorchStep(model, options).form().peak(at: counts)
    options.accumulation = 2
    #expect(TorchStep(model, options).form().peak(at: counts) >= once)
  }
}
