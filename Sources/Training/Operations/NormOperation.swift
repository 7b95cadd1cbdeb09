import Kernels
import Quantities

/// A root-mean-square norm; it keeps each row's inverse.
final class NormOperation: TapeOperation {
  let name: String
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let parameters: [Parameter]
  let flows: [GradientFlow] = [.computed]
  private let rows: Int
  private let norm: RootMeanSquareNorm

  init(
    _ name: String, layer: Int?, _ x: Value, gain: Parameter, to y: Value, inverse: Value,
    rows: Int, _ norm: RootMeanSquareNorm
  ) {
    self.name = name
    self.layer = layer
    inputs = [x]
    outputs = [y, inverse]
    parameters = [gain]
    self.rows = rows
    self.norm = norm
  }

  var backwardReads: [Value] { [inputs[0], outputs[1]] }

  func forward(_ bound: Bound) -> () -> Void {
    let (x, y, inverse) = (
      bound.value(inputs[0]), bound.value(outputs[0]),
      bound.value(outputs[1]).pointer(to: Float.self)
    )
    return { [norm, rows, gain = parameters[0].floats] in
      norm.forward(x.start, gain: gain, rows: rows, to: y.start, inverse: inverse)
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let (x, inverse) = (bound.value(inputs[0]), bound.value(outputs[1]).pointer(to: Float.self))
    let dy = bound.gradient(outputs[0]).pointer(to: Float.self)
    let dx = bound.gradientIfAny(inputs[0])?.pointer(to: Float.self)
    let (adds, gain) = (bound.adds(inputs[0]), bound.gradient(of: parameters[0]))
    return { [norm, rows, weights = parameters[0].floats] in
      if let gain {
        norm.gainGradient(
          x.start, inverse: inverse, dy: dy, rows: rows, to: gain.to, accumulates: gain.adds())
      }
      if let dx {
        norm.backward(
          x.start, gain: weights, inverse: inverse, dy: dy, rows: rows, to: dx,
          accumulates: adds)
      }
    }
  }
}
