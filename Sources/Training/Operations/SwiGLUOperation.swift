import Kernels
import Quantities

/// What a gated network does between its products.
final class SwiGLUOperation: TapeOperation {
  let name = "swiglu"
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  /// The gradient of `up` takes the place of the output's.
  let flows: [GradientFlow] = [.computed, .inPlace(output: 0)]
  private let count: Int
  private let swiglu: SwiGLU

  init(layer: Int?, gate: Value, up: Value, to y: Value, count: Int, _ swiglu: SwiGLU) {
    self.layer = layer
    inputs = [gate, up]
    outputs = [y]
    self.count = count
    self.swiglu = swiglu
  }

  var backwardReads: [Value] { inputs }

  func forward(_ bound: Bound) -> () -> Void {
    let (gate, up, y) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(outputs[0])
    )
    return { [swiglu, count] in
      swiglu.forward(gate: gate.start, up: up.start, count: count, to: y.start)
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let (gate, up) = (bound.value(inputs[0]), bound.value(inputs[1]))
    let dgate = bound.gradient(inputs[0]).pointer(to: Float.self)
    let dup = bound.gradient(inputs[1]).pointer(to: Float.self)
    return { [swiglu, count] in
      swiglu.backward(
        gate: gate.start, up: up.start, dy: dup, count: count, dgate: dgate, dup: dup)
    }
  }
}
