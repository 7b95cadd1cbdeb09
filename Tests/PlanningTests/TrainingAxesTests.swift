import Planning
import Quantities
import Records
import Testing

/// A training step as the command line asks for it.
struct TrainingAxesTests {
  private static let shape = [
    "layers=8", "hidden=64", "ffn=96", "heads=4", "kv-heads=2", "head-dim=16", "vocab=100",
    "tokens=16",
  ]

  private func plan(_ axes: [String]) throws -> Plan {
    let own = Set(axes.compactMap { $0.split(separator: "=").first })
    let shape = Self.shape.filter { !own.contains($0.split(separator: "=")[0]) }
    return try Planner(catalog: .standard, cores: 4).plan(
      Suite(inlineWorkload: "training-step", axes: shape + axes))
  }

  @Test(arguments: [
    (
      ["adapter=lora(33)", "targets=q+v"],
      Fault(
        "a rank of 33 is more than self_attn.v_proj's 32 outputs or inputs",
        at: "-a adapter=lora(33)", fix: "use a rank up to 32, as lora(8)")
    ),
    (
      ["adapter=bottleneck(65)"],
      Fault(
        "a bottleneck of 65 is wider than hidden, 64", at: "-a adapter=bottleneck(65)",
        fix: "use a width up to 64")
    ),
    (
      ["base=q8_0"],
      Fault(
        "without an adapter the weights are trained, in fp32", at: "-a base=q8_0",
        fix: "use an adapter, as lora(8), or leave base out")
    ),
    (
      ["clip=norm(1)", "update=in-backward"],
      Fault(
        "the norm of all gradients is not known before the last, and update in-backward has let "
          + "go of the first by then",
        at: "-a clip=norm(1)", fix: "use update separate, or clip none")
    ),
    (
      ["accumulation=2", "update=in-backward"],
      Fault(
        "update in-backward lets go of a gradient before the next micro-batch adds to it",
        at: "-a accumulation=2", fix: "use update separate, or accumulation 1")
    ),
    (
      ["precision=fp16", "update=in-backward"],
      Fault(
        "a step whose scaled gradients overflow is skipped as a whole, and update in-backward has "
          + "updated some by then",
        at: "-a precision=fp16", fix: "use update separate, or bf16")
    ),
    (
      ["precision=bf16-pure", "adapter=ia3"],
      Fault(
        "bf16-pure stores weights that are trained in bf16, and an adapter's are in fp32",
        at: "-a precision=bf16-pure", fix: "use precision bf16 with base bf16, or adapter none")
    ),
    (
      ["checkpointing=layers(9)"],
      Fault(
        "9 layers that are checkpointed, and the model has 8 layers",
        at: "-a checkpointing=layers(9)", fix: "use at most 8")
    ),
    (
      ["checkpointing=segments(9)"],
      Fault(
        "9 segments, and the model has 8 layers", at: "-a checkpointing=segments(9)",
        fix: "use at most 8")
    ),
    (
      ["checkpointing=layers(0)"],
      Fault(
        "checkpointing layers is 0", at: "-a checkpointing=layers(0)",
        fix: "give a number from 1 up")
    ),
    (
      ["head-dim=15", "rope=neox"],
      Fault(
        "pairs are rotated, and head-dim is 15", at: "-a rope=neox",
        fix: "use rope none, or an even head-dim")
    ),
    (
      ["accumulation=0"],
      Fault("accumulation is 0", at: "-a accumulation=0", fix: "give a number from 1 up")
    ),
  ])
  func `what makes no step is refused at the axis, with the reason and the mend`(
    axes: [String], expected: Fault
  ) throws {
    let fault = try faultOf { try plan(axes) }
    #expect(fault == expected)
  }

  @Test(arguments: ["dropout=1", "dropout=-0.1", "dropout=much", "adapter=lora", "adapter=lora(x)"])
  func `a value that is none of an axis is refused there`(axis: String) throws {
    let fault = try faultOf {
      try plan(["adapter=lora(8)", axis].suffix(axis.hasPrefix("a") ? 1 : 2))
    }
    #expect(fault?.place == "-a \(axis)")
    #expect(fault?.mend != nil)
  }

  @Test(arguments: [
    "checkpointing=layers(8)", "checkpointing=segments(8)", "checkpointing=sqrt",
    "adapter=lora(32)", "adapter=bottleneck(64)", "clip=norm(1)", "accumulation=4",
    "update=in-backward", "loss=tokens(5)", "loss=vocabulary(7)", "precision=bf16",
  ])
  func `what makes a step is planned`(axis: String) throws {
    let planned = try #require(try plan([axis]).cases.first)
    #expect(planned.case.id.contains(axis))
    #expect(planned.predicted.peak > .zero)
  }
}
