import Foundation
import Records
import Testing

/// Many questions at once: settings as JSON Lines, and published figures as CSV.
@Suite(.serialized) struct FitLinesTests {
  private let program: Program

  init() throws { program = try Program() }

  private struct Answer: Decodable {
    let bytes, low, high: Int
    let phase: String
    let phases: [String: Int]
    let byRole: [String: Int]

    enum CodingKeys: String, CodingKey {
      case bytes, low, high, phase, phases
      case byRole = "by_role"
    }
  }

  private func answers(_ lines: String) async throws -> [Answer] {
    let result = try await program.run(["fit", "--from", program.write(lines, to: "lines.jsonl")])
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    return try result.output.split(separator: "\n").map {
      try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
    }
  }

  @Test func `each line that is not blank has its answer, in its place`() async throws {
    defer { program.remove() }
    let found = try await answers(
      """
      {"model": "smollm2-135m", "batch": 1, "tokens": 64}

      {"model": "smollm2-135m", "batch": 4, "tokens": 64.0, "method": "lora", "rank": 4}\r
      {"model": "llama-3-8b", "runtime": "llama.cpp", "ctx": 4096, "quant": "Q4_K_M"}
      """)
    #expect(found.count == 3)
    for one in found {
      #expect(one.byRole.values.reduce(0, +) == one.bytes)
      #expect(one.phases.values.max() == one.bytes && one.phases[one.phase] == one.bytes)
      #expect(one.low <= one.bytes && one.bytes <= one.high)
    }
    #expect(found[0].byRole["adapters"] ?? 0 == 0 && found[1].byRole["adapters"] ?? 0 > 0)
    #expect(found[2].byRole["kv_cache"] ?? 0 > 0 && found[2].low < found[2].high)
  }

  /// The plan is made by the workloads' own code, and the answer by a formula.
  @Test(arguments: [
    ("training-step", ["model": "smollm2-135m", "batch": "2", "tokens": "64"]),
    (
      "training-step",
      [
        "model": "smollm2-135m", "batch": "3", "tokens": "100", "checkpointing": "block",
        "adapter": "lora(8)", "base": "nf4", "precision": "bf16", "variant": "portable",
        "threads": "1",
      ]
    ),
    (
      "decoder",
      [
        "model": "smollm2-135m", "depth": "128", "prompt": "16", "tokens": "4", "format": "q8_0",
      ]
    ),
    (
      "decoder",
      [
        "model": "smollm2-135m", "depth": "40", "prompt": "3", "tokens": "4", "format": "fp16",
        "batch": "2", "cache-type-k": "q8_0", "cache-type-v": "q4_0", "threads": "1",
      ]
    ),
  ])
  func `an answer is what plan predicts for the same axes`(
    workload: String, axes: [String: String]
  ) async throws {
    defer { program.remove() }
    let object = axes.merging(["workload": workload]) { $1 }
    let line = try JSONSerialization.data(withJSONObject: object, options: .sortedKeys)
    let found = try await answers(String(decoding: line, as: UTF8.self))
    let given = axes.sorted { $0.key < $1.key }.flatMap { ["-a", "\($0.key)=\($0.value)"] }
    let plan = try await program.run(["plan", "--workload", workload, "--json", "-"] + given)
    #expect(plan.code == 0, "\(plan.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
    let cases = try #require(json?["cases"] as? [[String: Any]])
    let memory = try #require(cases.first?["memory"] as? [String: Any] ?? cases.first)
    #expect(cases.count == 1 && found.count == 1)
    #expect(memory["predicted_bytes"] as? Int == found.first?.bytes, "\(memory)")
  }

  @Test(arguments: [
    ("{\"model\": \"smollm2-135m\", \"tokens\": 8}\n{\"modell\": \"x\"}", ["line 2", "'model'?"]),
    ("\n\n[1, 2]", ["line 3, column 1", "the line is no JSON object"]),
    ("8", ["line 1, column 1", "the line is no JSON object"]),
    ("{\"model\": \"smollm2-135m\"", ["line 1, column", "a comma or } is missing"]),
    ("{\"model\": {}}", ["line 1, column", "model has a value that is neither"]),
    ("{\"tokens\": 8, \"tokens\": 9}", ["line 1, column", "tokens stands there twice"]),
    ("{\"model\": \"smollm2-135m\", \"tokens\": 8} {}", ["line 1, column", "something follows"]),
    ("{\"model\": \"smollm2-135m\", \"tokens\": -8}", ["line 1", "tokens is '-8'"]),
    ("{\"model\": \"smolm2-135m\", \"tokens\": 8}", ["line 1", "'smollm2-135m'?"]),
  ])
  func `a line that has no answer is told where it stands, and exits 2`(
    text: String, words: [String]
  ) async throws {
    defer { program.remove() }
    let result = try await program.run(["fit", "--from", program.write(text, to: "lines.jsonl")])
    #expect(result.code == 2 && result.output == "")
    for word in words + ["at:", "fix:"] {
      #expect(result.errors.contains(word), "\(result.errors)")
    }
  }

  // MARK: Published figures

  @Test func `each published figure has its row, with a prediction or why there is none`()
    async throws
  {
    defer { program.remove() }
    let file = Program.root + "/Tests/MemoryPlanningTests/Data/memory-known.csv"
    let result = try await program.run(["fit", "--score", file, "--json", "-"])
    #expect(result.code == 0, "\(result.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    let rows = try #require(json?["rows"] as? [[String: Any]])
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline).count
    #expect(rows.count == lines - 1 && lines > 100)
    #expect(rows.allSatisfy { $0["predicted"] is Double || $0["why"] is String })
    #expect(rows.compactMap { $0["row"] as? Int } == (2...max(2, lines)).map { $0 })
  }

  @Test(arguments: [
    ("", ["the file is empty", "source,model,params"]),
    ("source,model\n", ["there is no column settings", "source,model,params"]),
    (
      "source,model,params,settings,quantity,value,unit,note\na,b\n",
      ["line 2 has 2 cells", "in quotes"]
    ),
  ])
  func `a file of other columns is told so, and exits 2`(text: String, words: [String])
    async throws
  {
    defer { program.remove() }
    let result = try await program.run(["fit", "--score", program.write(text, to: "known.csv")])
    #expect(result.code == 2 && result.output == "")
    for word in words + ["fix:"] { #expect(result.errors.contains(word), "\(result.errors)") }
  }

  @Test func `a row whose numbers 64 bits cannot count says so, and the others are answered`()
    async throws
  {
    defer { program.remove() }
    let text = """
      source,model,params,settings,quantity,value,unit,note
      me,llama-3-8b,,method=full;batch=99999999999;seq=99999999999,peak_allocated_bytes,1,GiB,log
      me,llama-3-8b,,layers=-1;format=gguf;quant=Q8_0,weight_bytes,7.95,GiB,file-size
      me,own,,layers=-1;hidden=64;heads=2;method=full,weight_bytes,1,GiB,log
      """
    let result = try await program.run([
      "fit", "--score", program.write(text, to: "known.csv"), "--json", "-",
    ])
    #expect(result.code == 0, "\(result.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    let rows = try #require(json?["rows"] as? [[String: Any]])
    #expect((rows[0]["why"] as? String)?.contains("64 bits") == true, "\(rows[0])")
    #expect(rows[1]["predicted"] is Double)
    #expect((rows[2]["why"] as? String)?.contains("is not in the table") == true, "\(rows[2])")
  }
}
