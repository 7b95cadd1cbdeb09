import Kernels
import Quantities

/// Each column times a learned factor, as IA3 has it; queries or keys may be rotated after it.
///
///     y[t, c] = x[t, c] · factor[c],  dx = dy ∘ factor,  dfactor[c] = Σ dy[·, c] · x[·, c]
final class FactorOperation: TapeOperation {
  let name: String
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let parameters: [Parameter]
  let flows: [GradientFlow] = [.inPlace(output: 0)]
  private let rows: Int
  private let rotation: Rotation?
  private let pool: ThreadPool

  init(
    _ name: String, layer: Int?, _ x: Value, factor: Parameter, to y: Value, rows: Int,
    rotation: Rotation? = nil, pool: ThreadPool
  ) {
    self.name = name
    self.layer = layer
    inputs = [x]
    outputs = [y]
    parameters = [factor]
    self.rows = rows
    self.rotation = rotation
    self.pool = pool
  }

  var backwardReads: [Value] { inputs }

  func forward(_ bound: Bound) -> () -> Void {
    let (x, y) = (bound.value(inputs[0]), bound.value(outputs[0]))
    let (factor, columns) = (parameters[0].floats, parameters[0].count)
    let (from, to) = (x.pointer(to: Float.self), y.pointer(to: Float.self))
    return { [rows, rotation, pool] in
      pool.share(rows) { own, _ in
        for row in own {
          for column in 0..<columns {
            to[row * columns + column] = from[row * columns + column] * factor[column]
          }
        }
      }
      rotation?.forward(to, rows: rows, columns: columns)
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let x = bound.value(inputs[0]).pointer(to: Float.self)
    let gradient = bound.gradient(outputs[0])
    let d = gradient.pointer(to: Float.self)
    let (factor, columns) = (parameters[0].floats, parameters[0].count)
    let own = bound.gradient(of: parameters[0])
    return { [rows, rotation, pool] in
      rotation?.backward(d, rows: rows, columns: columns)
      let adds = own?.adds() ?? false
      pool.share(columns, grain: 16, least: 32) { mine, _ in
        for column in mine where !adds { own?.to[column] = 0 }
        for row in 0..<rows {
          for column in mine {
            let place = row * columns + column
            own?.to[column] += d[place] * x[place]
            d[place] *= factor[column]
          }
        }
      }
    }
  }
}
