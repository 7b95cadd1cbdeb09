import Foundation
import Quantities
import Testing

/// Questions about memory, as a user asks them of the program.
@Suite(.serialized) struct FitTests {
  private let program: Program

  init() throws { program = try Program() }

  private static let overfull = [
    "fit", "--model", "deepseek-7b", "--method", "lora", "--batch", "8", "--tokens", "2048",
    "--memory", "24GiB",
  ]

  private func json(_ arguments: [String]) async throws -> [String: Any] {
    let result = try await program.run(arguments + ["--json", "-"])
    #expect(result.code == 0, "\(result.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require(json as? [String: Any])
  }

  private func sum(_ json: Any?) throws -> Int {
    try #require(json as? [String: Int]).values.reduce(0, +)
  }

  @Test func `a setting that does not fit is told its phase, and a change that makes it fit`()
    async throws
  {
    defer { program.remove() }
    let result = try await program.run(Self.overfull)
    #expect(result.code == 0 && result.errors == "")
    #expect(result.output.hasPrefix("It does not fit 24.0 GiB: "), "\(result.output)")
    #expect(result.output.contains("changes that make it fit"))
    let binding = result.output.split(separator: "\n").filter { $0.hasSuffix("█  binds") }
    #expect(binding.count == 1)
    let phase = try #require(binding.first?.split(separator: " ").first)
    let words = result.output.replacing("\n", with: " ")
    #expect(words.contains("in phase \(phase) "), "\(result.output)")
  }

  @Test func `the command of a change is one that plan takes, and its plan fits`() async throws {
    defer { program.remove() }
    let limit = try #require(Bytes("24GiB"))
    let shown = try await program.run(Self.overfull)
    let command = try #require(
      shown.output.split(separator: "\n").first { $0.hasPrefix("headroom sweep ") })
    let fit = try await json(Self.overfull)
    let mends = try #require(fit["mends"] as? [[String: Any]])
    let first = try #require(mends.first)
    #expect(first["command"] as? String == String(command))
    let bytes = try #require(first["bytes"] as? Int)
    #expect(bytes <= limit.count)
    #expect(first["saved_bytes"] as? Int == (fit["bytes"] as? Int).map { $0 - bytes })
    let asked = String(command).replacing(
      "headroom sweep ", with: "\"$1\" plan --memory-limit 24GiB ")
    let plan = try await program.runInShell(asked, [])
    #expect(plan.code == 0, "\(plan.errors)")
    #expect(plan.output.contains("1 case, 0 skipped"), "\(plan.output)")
    #expect(plan.output.contains("peak \(Bytes(bytes))"), "\(plan.output)")
    #expect(!plan.output.contains("will not fit"), "\(plan.output)")
  }

  @Test func `what scripts read adds up: roles to the peak, which the largest phase is`()
    async throws
  {
    defer { program.remove() }
    let fit = try await json(Self.overfull)
    #expect(fit["schema"] as? String == "headroom.fit/1")
    #expect(fit["verdict"] as? String == "does not fit")
    #expect(fit["limit_bytes"] as? Int == Bytes("24GiB")?.count)
    let bytes = try #require(fit["bytes"] as? Int)
    #expect(try sum(fit["by_role"]) == bytes)
    let phases = try #require(fit["phases"] as? [String: Int])
    #expect(phases.values.max() == bytes)
    #expect(phases[try #require(fit["phase"] as? String)] == bytes)
  }

  @Test(arguments: [
    ["--model", "smollm2-135m", "--batch", "2", "--tokens", "64"],
    ["--model", "smollm2-135m", "--tokens", "64", "--runtime", "pytorch", "--method", "lora"],
    ["--model", "llama-3-8b", "--runtime", "llama.cpp", "-a", "ctx=4096", "-a", "quant=Q4_K_M"],
  ])
  func `the terms that explain a peak add up to it`(setting: [String]) async throws {
    defer { program.remove() }
    let fit = try await json(["fit", "--explain"] + setting)
    let terms = try #require(fit["terms"] as? [[String: Any]])
    #expect(terms.compactMap { $0["bytes"] as? Int }.reduce(0, +) == fit["bytes"] as? Int)
    #expect(terms.allSatisfy { ($0["formula"] as? String)?.isEmpty == false })
    let text = try await program.run(["fit", "--explain"] + setting)
    #expect(text.code == 0 && text.output.contains("each term with its numbers"))
  }

  @Test func `small rows cost less than states, so that checkpointing is said to save nothing`()
    async throws
  {
    defer { program.remove() }
    let result = try await program.run([
      "fit", "--model", "smollm2-135m", "--batch", "1", "--tokens", "8", "--runtime", "pytorch",
      "--device", "rtx-4090", "--why-not", "checkpointing",
    ])
    #expect(result.code == 0, "\(result.errors)")
    let words = result.output.replacing("\n", with: " ")
    #expect(words.contains("block checkpointing: it saves nothing."), "\(result.output)")
    #expect(words.contains("but optimizer step binds with"), "\(result.output)")
  }

  @Test func `a frontier has the most of an axis for each of another, and one more is too much`()
    async throws
  {
    defer { program.remove() }
    let setting = ["fit", "--model", "smollm2-135m", "--memory", "4GiB"]
    let result = try await program.run(setting + ["--frontier", "batch,tokens", "--json", "-"])
    #expect(result.code == 0, "\(result.errors)")
    let points = try JSONDecoder().decode([Point].self, from: Data(result.output.utf8))
    #expect(points.count > 4 && points.last?.axes["tokens"] == nil)
    let tokens = points.compactMap { $0.axes["tokens"] }
    #expect(tokens == tokens.sorted(by: >))
    let limit = try #require(Bytes("4GiB")).count
    #expect(points.allSatisfy { ($0.bytes ?? 0) <= limit })
    let third = try #require(points[2].axes["tokens"])
    let more = setting + ["--batch", "4", "--tokens", "\(third + 1)"]
    #expect(try await json(more)["verdict"] as? String == "does not fit")
  }

  private struct Point: Decodable {
    let axes: [String: Int]
    let bytes: Int?
  }
}

// MARK: Bad questions

extension FitTests {
  /// What is asked, and what the answer must hold.
  struct Misuse: CustomTestStringConvertible {
    let arguments: [String]
    let words: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String, _ words: String...) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.words = words
    }
  }

  private static let model = "--model smollm2-135m --tokens 64"

  @Test(arguments: [
    Misuse("--model deepsek-7b --tokens 8", "'deepsek-7b'", "did you mean 'deepseek-7b'?"),
    Misuse("\(model) --device rtx-409", "'rtx-409'", "did you mean 'rtx-4090'?", "--device"),
    Misuse("\(model) --memory 24", "'24' is no amount of memory", "--memory", "24GiB"),
    Misuse("\(model) --memory=-1GiB", "'-1GiB' is no amount of memory", "--memory"),
    Misuse("\(model) --memory 0GiB", "'0GiB' is no amount of memory", "--memory"),
    Misuse("\(model) --memory 1GiB --device t4", "--memory and --device exclude each other"),
    Misuse("\(model) --method qlora -a base=fp32", "base is fp32", "method lora"),
    Misuse("\(model) --method loar", "'loar'", "did you mean 'lora'?"),
    Misuse("\(model) -a zero=3", "ZeRO 3", "zero 0"),
    Misuse("\(model) -a zero=3 --runtime pytorch", "ZeRO 3", "give world"),
    Misuse(
      "--model llama-3-8b --runtime llama.cpp -a ctx=4096 -a window=8192",
      "a window of 8192 tokens is larger than the context of 4096", "up to 4096"),
    Misuse("\(model) --runtime pytorhc", "'pytorhc'", "did you mean 'pytorch'?"),
    Misuse("--memory 1GiB", "there is nothing to fit", "--model NAME"),
    Misuse("\(model) -a tokns=8", "'tokns'", "did you mean 'tokens'?"),
    Misuse("\(model) -a batch", "'batch'", "-a batch"),
    Misuse("\(model) --batch 0", "batch is '0'"),
    Misuse("\(model) -a threads=0", "threads is '0'"),
    Misuse("\(model) --memory 1GiB --allow loss,chekpointing", "--allow", "'checkpointing'?"),
    Misuse("\(model) --why-not chekpointing", "--why-not", "'checkpointing'?"),
    Misuse("\(model) --memory 1GiB --frontier batch", "'batch' is not two axes", "--frontier"),
    Misuse("\(model) --frontier batch,tokens", "a frontier needs a limit", "--memory 24GiB"),
    Misuse("--model smollm2-135m", "tokens is left out", "give tokens"),
    Misuse("--from missing.jsonl", "missing.jsonl"),
    Misuse("--score missing.csv", "missing.csv"),
    Misuse("\(model) --batch 4000000000 -a accumulation=4000000000", "64 bits", "smaller numbers"),
    Misuse("--model smollm2-135m --batch 2000000000 --tokens 2000000000", "64 bits"),
    Misuse("\(model) --runtime pytorch --batch 99999999999 -a seq=99999999999", "64 bits"),
    Misuse("\(model) --runtime pytorch -a tp=99999999 -a pp=99999999 -a cp=99999999", "64 bits"),
    Misuse("\(model) --runtime pytorch -a loss=vocabulary(8)", "vocabulary(8)", "without it"),
  ])
  func `a question that has no answer is told why and how to mend it, and exits 2`(misuse: Misuse)
    async throws
  {
    defer { program.remove() }
    let result = try await program.run(["fit"] + misuse.arguments)
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.output == "")
    for word in misuse.words + ["error:", "fix:"] {
      #expect(result.errors.contains(word), "\(result.errors)")
    }
  }
}
