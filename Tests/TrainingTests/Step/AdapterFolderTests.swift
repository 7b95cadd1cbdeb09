import Foundation
import Kernels
import Models
import Quantities
import Testing
import Training

/// Adapters as PEFT's files, several over one base, merged and taken out again.
struct AdapterFolderTests {
  private func setup(_ adapter: Adapter) -> StepSetup {
    var setup = StepSetup(.grouped)
    setup.options.adapter.adapter = adapter
    setup.options.adapter.alpha = 8
    return setup
  }

  private func inFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/adapter-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  @Test(arguments: [
    Adapter.lora(rank: 4), .prefix(tokens: 3), .ia3, .bottleneck(width: 6),
  ])
  func `what was written is read as it was`(adapter: Adapter) throws {
    let setup = setup(adapter)
    let session = try TrainingSession(setup)
    try inFolder { folder in
      try AdapterFolder.write(
        session.step.parameters, of: setup.shape, setup.options.adapter, to: folder)
      let read = try AdapterFolder(folder, of: setup.shape)
      #expect(read.options.adapter == adapter)
      var again = setup
      again.adapters = read
      #expect(try again.found() == setup.found())
    }
  }

  @Test func `an adapter of another model is refused with both shapes`() throws {
    let setup = setup(.lora(rank: 4))
    let session = try TrainingSession(setup)
    try inFolder { folder in
      try AdapterFolder.write(
        session.step.parameters, of: setup.shape, setup.options.adapter, to: folder)
      var other = setup.shape
      other.ffn = 32
      let fault = try #require(
        throws: AdapterFault.self, performing: { try AdapterFolder(folder, of: other) })
      #expect(fault.fault.what.contains("[24, 4], and the model has room for [32, 4]"))
    }
  }

  @Test(arguments: [
    ("{}", "it is not what PEFT writes (peft_type)"),
    ("no JSON", "it is not what PEFT writes (no JSON)"),
    (#"{"peft_type": "VERA"}"#, "the adapter is VERA"),
    (#"{"peft_type": "LORA", "r": 0, "target_modules": ["q_proj"]}"#, "r is 0"),
    (#"{"peft_type": "LORA", "r": 4, "target_modules": ["wq"]}"#, "beside wq"),
    (#"{"peft_type": "LORA", "r": 4, "target_modules": []}"#, "beside nothing"),
    (#"{"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"], "use_dora": true}"#, "DoRA"),
    (#"{"peft_type": "IA3", "target_modules": ["q_proj"]}"#, "beside q_proj"),
  ])
  func `a configuration that is not computed here is refused by name`(
    text: String, words: String
  ) throws {
    try inFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/adapter_config.json"))
      let fault = try #require(
        throws: AdapterFault.self,
        performing: { try AdapterFolder(folder, of: TinyModel.grouped.shape) })
      #expect(fault.fault.what.contains(words), "\(fault.fault.what)")
    }
  }

  @Test func `a folder that is none says so`() throws {
    let fault = try #require(
      throws: AdapterFault.self,
      performing: { try AdapterFolder("/nowhere", of: TinyModel.grouped.shape) })
    #expect(fault.fault.what.contains("there is no such file"))
  }

  @Test func `merging adds what the adapter computed, and unmerging takes it away`() throws {
    let setup = setup(.lora(rank: 4))
    let ledger = try MemoryLedger()
    let execution = Execution(ledger: ledger, pool: try ThreadPool(threads: 1))
    let step = try setup.step(try setup.batch(in: ledger), execution)
    let held = try AdapterSwitch(step, "first", instructions: setup.instructions, execution)
    func weights(_ name: String) throws -> [Double] {
      try #require(step.parameters.first { $0.name == name }).doubles
    }
    let name = "model.layers.0.self_attn.q_proj.weight"
    let before = try weights(name)
    held.merge()
    let golden = try #require(
      GoldenFile<[MergedGolden]>.cases("adapters").first { $0.merged != nil }?.merged)
    #expect(distance(try weights(name), from: golden.values) < 1e-6)
    held.unmerge()
    #expect(distance(try weights(name), from: before) < 1e-6)
  }

  private struct MergedGolden: Decodable {
    let merged: GoldenArray?
  }

  @Test func `adapters take turns, each as it was left`() throws {
    let setup = setup(.lora(rank: 4))
    let ledger = try MemoryLedger()
    let execution = Execution(ledger: ledger, pool: try ThreadPool(threads: 1))
    let step = try setup.step(try setup.batch(in: ledger), execution)
    let held = try AdapterSwitch(step, "first", instructions: setup.instructions, execution)
    held.add("second", MadeUpAdapters(seed: 5))
    func numbers() -> [[Double]] { step.parameters.filter(\.isTrained).map(\.doubles) }
    let first = numbers()
    #expect(held.activate("second") && held.active == "second")
    #expect(numbers() != first)
    #expect(!held.activate("third"))
    #expect(held.activate("first"))
    #expect(numbers() == first)
  }
}
