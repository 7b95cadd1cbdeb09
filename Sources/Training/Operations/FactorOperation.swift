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
  private let narrowing: Narrowing
  private let pool: ThreadPool

  init(
    _ name: String, layer: Int?, _ x: Value, factor: Parameter, to y: Value, rows: Int,
    rotation: Rotation? = nil, _ narrowing: Narrowing, pool: ThreadPool
  ) {
    self.name = name
    self.layer = layer
    inputs = [x]
    outputs = [y]
    parameters = [factor]
    self.rows = rows
    self.rotation = rotation
    self.narrowing = narrowing
    self.pool = pool
  }

  var backwardReads: [Value] { inputs }

  private var columns: Int { parameters[0].count }
  /// The output before it is made narrower.
  var forwardScratch: [Int] { narrowing.isWide ? [] : [rows * columns] }
  /// A row of the input in fp32, of which each thread has its own columns.
  var backwardScratch: [Int] { [columns] }

  func forward(_ bound: Bound) -> () -> Void {
    let (x, y) = (bound.value(inputs[0]), bound.value(outputs[0]))
    let (factor, columns) = (parameters[0].floats, columns)
    let wide = narrowing.isWide ? y.pointer(to: Float.self) : bound.floats(0)
    return { [rows, rotation, narrowing, pool, widening = Widening(narrowing.activations)] in
      pool.share(rows) { own, _ in
        for row in own {
          let (first, to) = (row * columns, wide + row * columns)
          widening.run(x.start, first..<first + columns, to: to)
          for column in 0..<columns { to[column] *= factor[column] }
        }
      }
      rotation?.forward(wide, rows: rows, columns: columns)
      if !narrowing.isWide { narrowing.run(wide, count: rows * columns, to: y.start) }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let x = bound.value(inputs[0])
    let gradient = bound.gradient(outputs[0])
    let d = gradient.pointer(to: Float.self)
    let (factor, columns, row) = (parameters[0].floats, columns, bound.floats(0))
    let own = bound.gradient(of: parameters[0])
    return { [rows, rotation, pool, widening = Widening(narrowing.activations)] in
      rotation?.backward(d, rows: rows, columns: columns)
      let adds = own?.adds() ?? false
      pool.share(columns, grain: 16, least: 32) { mine, _ in
        for column in mine where !adds { own?.to[column] = 0 }
        for first in stride(from: 0, to: rows * columns, by: columns) {
          widening.run(
            x.start, first + mine.lowerBound..<first + mine.upperBound, to: row + mine.lowerBound)
          for column in mine {
            own?.to[column] += d[first + column] * row[column]
            d[first + column] *= factor[column]
          }
        }
      }
    }
  }
}
