import Kernels
import Models
import Quantities

/// One layer of a transformer, for a prompt or a step of decoding.
///
///     activations: 2·4·batch·tokens·hidden
///
/// - Shapes: `x` and `y` are batch × tokens × hidden in fp32; the layer works on `y`. All else is a transformer's of
///   one layer, without embedding and logits.
/// - Source: the operands of `decoder-block`; `TransformerForm`.
struct DecoderBlockForm: KernelForm {
  private let layer: LayerForm
  private let run: DecoderRun

  init(_ values: FormValues) throws {
    layer = try LayerForm(values, layers: 1, vocab: 0, isTied: false)
    let headDim = layer.shape.headDim
    run = DecoderRun(
      batch: try values.count("batch"), depth: try values.count("depth", from: 0),
      prompt: try values.count("tokens"), tokens: 0, hasCache: true, cache: try values.cache(),
      rotary: try values.rotary(headDim: headDim))
    try values.check(run.cache, headDim: headDim)
    try values.check(run, layer.shape)
  }

  var operands: RoleBytes {
    RoleBytes(activations: floats(2 * run.batch * run.prompt * layer.shape.hidden))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    TransformerForm(
      shape: layer.shape, run: run, format: layer.format, instructions: instructions,
      threads: threads
    ).memory(operands: operands)
  }
}
