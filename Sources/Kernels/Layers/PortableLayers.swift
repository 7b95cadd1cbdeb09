import CMicrokernels
import Glibc

/// What lies between a layer's products in plain Swift, for every processor.
let portableLayers = hr_layer_loops(
  norm: { x, gain, columns, epsilon, y in
    guard let x, let gain, let y else { return }
    var sum: Float = 0
    for index in 0..<Int(columns) { sum += x[index] * x[index] }
    let by = 1 / (sum / Float(columns) + epsilon).squareRoot()
    for index in 0..<Int(columns) { y[index] = x[index] * by * gain[index] }
  },
  swiglu: { gate, up, count, to in
    guard let gate, let up, let to else { return }
    for index in 0..<Int(count) { to[index] = gate[index] * sigmoid(gate[index]) * up[index] }
  },
  gelu: { x, count, to in
    guard let x, let to else { return }
    for index in 0..<Int(count) {
      let v = x[index]
      to[index] = v * sigmoid(1.5957691216057308 * (v + 0.044715 * v * v * v))
    }
  },
  add_to: { x, count, to in
    guard let x, let to else { return }
    for index in 0..<Int(count) { to[index] += x[index] }
  })

private func sigmoid(_ x: Float) -> Float {
  let e = Float(exp(Double(-abs(x))))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}
