import Kernels
import Models
import Quantities

/// A whole transformer: a prompt, and tokens that follow it.
///
///     activations: 4·batch·given + 4·batch·vocab
///
/// - Shapes: `ids` are 32-bit whole numbers, as many of each sequence as a call is given; `logits` is batch × vocab
///   in fp32. All else is the transformer's.
/// - Source: the operands of `decoder`; `TransformerForm`.
struct DecoderForm: KernelForm {
  private let layers: LayerForm
  private let run: DecoderRun

  private enum Tied: String, CaseIterable {
    case yes, no
  }
  private enum Phase: String, CaseIterable {
    case prefill, decode, both
  }
  private enum CacheSwitch: String, CaseIterable {
    case on, off
  }

  init(_ values: FormValues) throws {
    layers = try LayerForm(
      values, layers: try values.count("layers"), vocab: try values.count("vocab"),
      isTied: try values.word("tied") == Tied.yes)
    let phase: Phase = try values.word("phase")
    let (prompt, tokens) = (try values.count("prompt"), try values.count("tokens"))
    let hasCache = try values.word("kv-cache") == CacheSwitch.on
    let headDim = layers.shape.headDim
    run = DecoderRun(
      batch: try values.count("batch"), depth: try values.count("depth", from: 0),
      prompt: phase == .decode ? 0 : prompt, tokens: phase == .prefill ? 0 : tokens,
      hasCache: hasCache, cache: try values.cache(), rotary: try values.rotary(headDim: headDim))
    if hasCache {
      try values.check(run.cache, headDim: headDim)
    } else if run.tokens > 1 {
      throw FormFault.noProblem(
        axis: "kv-cache",
        what: "without a cache a call brings one token forward, and tokens is \(tokens)",
        mend: "use tokens 1")
    }
    try values.check(run, layers.shape)
  }

  var operands: RoleBytes {
    RoleBytes(activations: floats(run.batch * (run.given + layers.shape.vocab)))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    TransformerForm(
      shape: layers.shape, run: run, format: layers.format, instructions: instructions,
      threads: threads
    ).memory(operands: operands)
  }
}
