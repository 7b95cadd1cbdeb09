import Kernels
import OrderedCollections
import Planning
import Quantities
import Records
import Testing
import Workloads

/// Names in a suite that stand for several axes, which then vary together.
@Suite struct AxisAliasTests {
  private func plan(_ axes: [String], workload: String = "attention-decode") throws -> Plan {
    try Planner(catalog: .standard, cores: 2)
      .plan(Suite(inlineWorkload: workload, axes: axes))
  }

  private func values(_ axis: String, _ plan: Plan) -> [String] {
    plan.ids.map { $0.split(separator: ",").first { $0.contains("\(axis)=") } ?? "" }
      .map { String($0.split(separator: "=").last ?? "") }
  }

  /// TinyLlama was published for 2048 positions, GPT-2 for 1024: the shorter binds.
  @Test func `more tokens than a model's context are refused, unless positions are scaled`() throws
  {
    let axes = ["model=tinyllama-1.1b", "tokens=2048,2049"]
    let fault = try faultOf { try plan(axes, workload: "training-step") }
    #expect(
      fault
        == Fault(
          "tokens is 2049, and tinyllama-1.1b knows 2048 positions", at: "-a tokens=2048,2049",
          fix: "give at most 2048, or scale its positions by rope-scaling"))
    _ = try plan(axes + ["rope-scaling=linear(2)"], workload: "training-step")
    let shorter = try faultOf {
      try plan(["model=tinyllama-1.1b,gpt-2", "tokens=1500"], workload: "attention-prefill")
    }
    #expect(shorter?.what == "tokens is 1500, and gpt-2 knows 1024 positions")
    _ = try plan(["model=gpt-2", "depth=1500", "phase=decode"], workload: "decoder")
  }

  @Test func `a cache's type is that of keys and of values`() throws {
    let plan = try plan(["model=llama-3-8b", "context=8", "cache-type=fp16,q8_0"])
    #expect(values("cache-type-k", plan) == ["fp16", "q8_0"])
    #expect(values("cache-type-v", plan) == ["fp16", "q8_0"])
  }

  @Test func `a model gives all of a workload's shape at once`() throws {
    let plan = try plan(["model=llama-3-8b,qwen2.5-0.5b", "context=8"])
    #expect(values("kv-heads", plan) == ["8", "2"])
    #expect(values("head-dim", plan) == ["128", "64"])
    let whole = try self.plan(["model=tinyllama-1.1b"], workload: "decoder")
    #expect(values("layers", whole) == ["22"])
    #expect(values("ffn", whole) == ["5632"])
    #expect(values("tied", whole) == ["no"])
  }

  @Test func `what such a name gives can run in turns`() throws {
    let suite = try SuiteReader.parse(
      """
      suite: t
      sweep:
        - workload: attention-decode
          axes: { model: llama-3-8b, context: [8, 16], cache-type: [fp16, q8_0] }
          interleave: cache-type
      """, path: "t.yaml")
    let plan = try Planner(catalog: .standard, cores: 2).plan(suite)
    #expect(plan.cases.map(\.group) == [0, 0, 1, 1])
  }

  @Test func `the largest model can be planned, with its rotary base and a long prompt`() throws {
    let axes = ["model=llama-3.1-405b", "rope-base=500000", "prompt=131072", "phase=prefill"]
    #expect(try plan(axes, workload: "decoder").cases.count == 1)
  }

  @Test(arguments: [
    (["heads=1", "kv-heads=1", "head-dim=64", "tokens=4294967296"], "attention-prefill"),
    (
      ["heads=1", "kv-heads=1", "head-dim=64", "context=4294967296", "kv-cache=off"],
      "attention-decode"
    ),
    (["n=1", "k=16777216", "format=q4_0", "method=gptq"], "quantize"),
  ])
  func `what squares to more than 64 bits is refused`(axes: [String], workload: String) throws {
    let fault = try faultOf { try plan(axes, workload: workload) }
    #expect(fault?.what.contains("is more work than 64 bits can count") == true)
  }

  @Test(arguments: [
    (
      ["model=llama-3-8b", "heads=4", "context=8"],
      Fault(
        "the axis 'heads' is given twice", at: "-a heads=4", fix: "give all its values in one list")
    ),
    (
      ["model=llama-3-8b", "context=8", "cache-type=q8_0", "cache-type-v=fp16"],
      Fault(
        "the axis 'cache-type-v' is given twice", at: "-a cache-type-v=fp16",
        fix: "give all its values in one list")
    ),
    (
      ["model=llama-3-8b", "context=8", "mask=window(0)"],
      Fault("mask window is 0", at: "-a mask=window(0)", fix: "give a number from 1 up")
    ),
    (
      ["model=llama-3-8b", "context=8", "paging=pages(0)"],
      Fault("paging pages is 0", at: "-a paging=pages(0)", fix: "give a number from 1 up")
    ),
    (
      ["heads=7", "kv-heads=2", "head-dim=64", "context=8"],
      Fault(
        "heads is 7, which is not a multiple of kv-heads, 2", at: "-a kv-heads=2",
        fix: "give as many heads of queries to each of keys: kv-heads that divides heads")
    ),
  ])
  func `what does not go together is told`(axes: [String], expected: Fault) throws {
    #expect(try faultOf { try plan(axes) } == expected)
  }

  @Test func `an unknown model is answered with the nearest`() throws {
    #expect(
      try faultOf { try plan(["model=llama3-8b", "context=8"]) }
        == Fault(
          "model is 'llama3-8b'", at: "-a model=llama3-8b", fix: "did you mean 'llama-3-8b'?"))
  }

  @Test func `a depth may be none, and no less`() throws {
    #expect(
      values("depth", try plan(["model=gpt-2", "depth=0,5", "phase=decode"], workload: "decoder"))
        == ["0", "5"])
    let fault = try faultOf { try plan(["model=gpt-2", "depth=-1"], workload: "decoder") }
    #expect(fault == Fault("depth is -1", at: "-a depth=-1", fix: "give a number from 0 up"))
  }
}

extension AxisAliasTests {
  private static let step = [
    "layers=2", "hidden=64", "ffn=96", "heads=4", "kv-heads=2", "head-dim=16", "vocab=70",
    "tokens=8",
  ]

  private func savers(_ text: String) throws -> [String] {
    let plan = try Planner(catalog: .standard, cores: 2).plan(
      Suite(inlineWorkload: "training-step", axes: Self.step + ["saver=\(text)"]))
    return plan.cases.map { planned in
      ["checkpointing", "loss", "precision", "adapter", "base", "optimizer", "update"]
        .compactMap { planned.case.axes[$0]?.text }.joined(separator: " ")
    }
  }

  @Test func `a saver sets the axes that its words are values of, and no other`() throws {
    #expect(
      try savers("none,block,lora(8)+bf16+q4_0,adamw8+in-backward,tokens(4)") == [
        "none whole fp32 none fp32 adamw separate", "block whole fp32 none fp32 adamw separate",
        "none whole bf16 lora(8) q4_0 adamw separate",
        "none whole fp32 none fp32 adamw8 in-backward",
        "none tokens(4) fp32 none fp32 adamw separate",
      ])
  }

  @Test(arguments: ["less", "block+", "block+block", "block+sqrt", "adamw"])
  func `a word that saves nothing is refused`(text: String) throws {
    #expect(throws: SuiteFault.self) { try savers(text) }
  }
}
