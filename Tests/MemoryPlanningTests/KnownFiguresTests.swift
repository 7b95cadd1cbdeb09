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
    ("method=lora;engine=unsloth;batch=1;seq=10", "unsloth has kernels of its own"),
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
