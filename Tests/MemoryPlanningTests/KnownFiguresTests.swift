import Foundation
import MemoryPlanning
import Models
import Testing

/// `Data/memory-known.csv`: figures that others published, logged or measured; nothing here is fitted to them.
@Suite struct KnownFiguresTests {
  static let answers: [KnownAnswer] = {
    guard let url = Bundle.module.url(forResource: "memory-known", withExtension: "csv"),
      let text = try? String(contentsOf: url, encoding: .utf8),
      let rows = try? KnownRow.read(text)
    else { return [] }
    return rows.map(KnownAnswer.init)
  }()

  private static func answers(_ kind: String, _ quantity: String) -> [KnownAnswer] {
    answers.filter { $0.row.kind == kind && $0.row.quantity == quantity }
  }

  @Test func `every row of the file is answered`() {
    #expect(Self.answers.count == 162)
    #expect(Self.answers.allSatisfy { $0.predicted != nil })
  }

  @Test(arguments: [
    ("file-size", "bits_per_weight", 0.0001), ("log", "kv_bytes", 0.000_001),
    ("exact", "saved_bytes_per_layer", 0.000_001), ("exact", "peak_allocated_bytes", 0.001),
    ("file-size", "weight_bytes", 0.003), ("file-size", "file_bytes", 0.026),
    ("measured", "weights_plus_lora_bytes", 0.025), ("measured", "peak_allocated_bytes", 0.015),
    ("measured", "activation_bytes", 0.01), ("measured", "process_bytes", 0.14),
  ])
  func `the worst error of a kind of figure`(kind: String, quantity: String, worst: Double) {
    let found = Self.answers(kind, quantity)
    #expect(!found.isEmpty)
    for answer in found {
      #expect(abs(answer.error ?? 1) <= worst, "\(answer.row.line): \(answer.error ?? 1)")
    }
  }

  @Test func `what processes took is met on average`() {
    let errors = Self.answers("measured", "process_bytes").compactMap(\.error).map(abs)
    #expect(errors.reduce(0, +) / Double(errors.count) < 0.03)
  }

  @Test(arguments: Self.architectures)
  func `a model of the table has as many weights as it was published with`(
    name: String, weights: Int
  ) throws {
    let model = try #require(Architecture.named(name))
    #expect(model.weights == weights)
  }

  private static let architectures: [(String, Int)] = {
    guard let url = Bundle.module.url(forResource: "architectures", withExtension: "csv"),
      let text = try? String(contentsOf: url, encoding: .utf8)
    else { return [] }
    return text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      return Int(cells[10]).map { (String(cells[0]), $0) }
    }
  }()

  @Test func `every model of the table of architectures is known, in capitals or not`() throws {
    let url = try #require(Bundle.module.url(forResource: "architectures", withExtension: "csv"))
    let lines = try String(contentsOf: url, encoding: .utf8).split(whereSeparator: \.isNewline)
    for line in lines.dropFirst() {
      let name = String(line.prefix { $0 != "," })
      #expect(Architecture.named(name) != nil, "\(name)")
    }
  }

  @Test(arguments: [
    ("method=lora;colour=red", "there is no setting 'colour'"),
    ("method=lora;batch=-1;seq=10", "batch is '-1'"),
    ("method=lora;engine=unsloth;batch=1;seq=10", "unsloth has layers or kernels of its own"),
    ("method=qlora;base=fp32;batch=1;seq=10", "QLoRA trains beside quantized weights"),
    ("method=full;zero=3;batch=1;seq=10", "ZeRO 3 shares weights among devices"),
    ("method=magic;batch=1;seq=10", "method knows no 'magic'"),
  ])
  func `a row that cannot be expressed says why`(settings: String, why: String) throws {
    let text = """
      source,model,params,settings,quantity,value,unit,note
      me,TinyLlama-1.1B,,\(settings),peak_allocated_bytes,1,GiB,measured
      """
    let answer = KnownAnswer(try #require(try KnownRow.read(text).first))
    #expect(answer.predicted == nil)
    #expect(answer.why?.contains(why) == true, "\(answer.why ?? "")")
  }

  @Test func `cells in quotes hold commas, and lines may end as on Windows`() throws {
    let text =
      "source,model,params,settings,quantity,value,unit,note\r\n\"a, \"\"b\"\"\",m,1,k=v,q,1,GiB,log\r\n"
    let row = try #require(try KnownRow.read(text).first)
    #expect(row.source == "a, \"b\"")
    #expect(row.note == "log")
  }
}

/// Figures of other kinds, each by its formula in the source that is named.
@Suite struct KnownFormulasTests {
  static let rows:
    [(
      name: String, model: String, params: String, settings: String, quantity: String,
      value: Double, unit: String
    )] = [
      // Rajbhandari et al., "ZeRO" (2020), figure 1: 7.5 G weights on 64 devices.
      (
        "ZeRO 0", "ZeRO-7.5B", "7500000000", "world=64;zero=0;optimizer=adam_mixed;dtype=bf16",
        "model_states_per_gpu_bytes", 120, "GB"
      ),
      (
        "ZeRO 1", "ZeRO-7.5B", "7500000000", "world=64;zero=1;optimizer=adam_mixed;dtype=bf16",
        "model_states_per_gpu_bytes", 31.4, "GB"
      ),
      (
        "ZeRO 2", "ZeRO-7.5B", "7500000000", "world=64;zero=2;optimizer=adam_mixed;dtype=bf16",
        "model_states_per_gpu_bytes", 16.6, "GB"
      ),
      (
        "ZeRO 3", "ZeRO-7.5B", "7500000000", "world=64;zero=3;optimizer=adam_mixed;dtype=bf16",
        "model_states_per_gpu_bytes", 1.875, "GB"
      ),
      // llm.c's README: its activations for 4 sequences of 64 tokens, 73,323,776 numbers.
      (
        "llm.c", "GPT-2-124M", "", "engine=llm.c;batch=4;seq=64;dtype=fp32", "activation_bytes",
        73_323_776 * 4, "byte"
      ),
      // Korthikanti et al. (2022), table 2, by hand: 48 layers, s b h = 2048 · 4 · 6144, t = 8, 34 s b h / t.
      (
        "selective", "Megatron-22B", "",
        "engine=megatron;tp=8;sp=1;recompute=selective;batch=4;seq=2048;dtype=fp16",
        "activation_bytes", 48 * 34 * 2048 * 4 * 6144 / 8, "byte"
      ),
      // The same without: 10 + 24 / t + 5 a s / (h t).
      (
        "tensor parallel", "Megatron-22B", "",
        "engine=megatron;tp=8;sp=0;recompute=0;batch=4;seq=2048;dtype=fp16", "activation_bytes",
        48 * 2048 * 4 * 6144 * (10 + 3 + 5 * 64 * 2048 / (6144 * 8)), "byte"
      ),
      // llama.cpp's log of Llama 3.2 1B on a processor: 4 · 512 · (128256 + 2048).
      (
        "compute buffer", "Llama-3.2-1B", "",
        "engine=llama.cpp;ctx=4096;ubatch=512;backend=CPU;flash=1", "compute_buffer_bytes",
        4 * 512 * 130_304, "byte"
      ),
      // A file's embedding in another type: 128256 · 4096 numbers in 8.5 bits and not in 4.5.
      (
        "own embedding", "Llama-3.1-8B", "", "format=gguf;quant=Q4_K_S;token_embd=Q8_0",
        "weight_bytes", 4_684_832_768 + 128_256 * 4096 / 2, "byte"
      ),
    ]

  @Test(arguments: rows.map(\.name))
  func `a figure of a formula is met`(name: String) throws {
    let row = try #require(Self.rows.first { $0.name == name })
    let text = """
      source,model,params,settings,quantity,value,unit,note
      me,\(row.model),\(row.params),\(row.settings),\(row.quantity),\(row.value),\(row.unit),theory
      """
    let answer = KnownAnswer(try #require(try KnownRow.read(text).first))
    #expect(answer.why == nil)
    #expect(abs(answer.error ?? 1) < 0.003, "\(answer.predicted ?? 0)")
  }
}
