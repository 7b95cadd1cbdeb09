import Glibc
import Kernels
import Quantities

/// A small network beside what a part of a layer gives, before that is added to what went around.
///
///     h = z · downᵀ,  y = around + z + silu(h) · upᵀ
///     dh = (dy · up) ∘ silu'(h),  dz = dy + dh · down
final class BottleneckOperation: TapeOperation {
  let name: String
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let parameters: [Parameter]
  let flows: [GradientFlow] = [.computed, .passed(output: 0)]
  private let rows: Int
  private let tools: LinearOperation.Tools
  private let pool: ThreadPool

  /// - Parameters:
  ///   - down: width × columns.
  ///   - up: columns × width.
  ///   - inner: h, rows × width.
  init(
    _ name: String, layer: Int?, _ z: Value, around: Value, down: Parameter, up: Parameter,
    to y: Value, inner: Value, rows: Int, _ tools: LinearOperation.Tools, pool: ThreadPool
  ) {
    self.name = name
    self.layer = layer
    inputs = [z, around]
    outputs = [y, inner]
    parameters = [down, up]
    self.rows = rows
    self.tools = tools
    self.pool = pool
  }

  private var width: Int { parameters[0].rows }
  private var columns: Int { parameters[0].columns }

  var backwardReads: [Value] { [inputs[0], outputs[1]] }
  /// What goes up; and the output before it is made narrower.
  var forwardScratch: [Int] { [rows * width] + (tools.isWide ? [] : [rows * columns]) }
  var backwardScratch: [Int] { [rows * width, rows * width] }
  var forwardFlops: Int { 4 * rows * parameters[0].count }
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount((inputs[0] ? 8 : 6) * rows * parameters[0].count)
  }

  /// Weights, a gradient, or what is between both products, in fp32.
  private func rounded(_ numbers: UnsafePointer<Float>, columns: Int) -> Gemm.Matrix {
    Gemm.Matrix(numbers, stride: columns, element: tools.operand)
  }
  private func stored(_ tensor: Tensor) -> Gemm.Matrix {
    Gemm.Matrix(tensor.start, stride: columns, element: .stored(tools.activations))
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (z, around, y) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(outputs[0])
    )
    let inner = bound.value(outputs[1]).pointer(to: Float.self)
    let active = bound.floats(0)
    let wide = tools.isWide ? y.pointer(to: Float.self) : bound.floats(1)
    let (down, up, width, columns) = (parameters[0], parameters[1], width, columns)
    return { [self] in
      tools.gemm.multiply(
        stored(z), rows: rows, k: columns,
        Gemm.Output(rounded(down.floats, columns: columns), n: width, to: inner))
      activate(inner, to: active)
      begin(wide, z, around)
      tools.gemm.multiply(
        rounded(active, columns: width), rows: rows, k: width,
        Gemm.Output(
          rounded(up.floats, columns: width), n: columns, to: wide, accumulates: true))
      if !tools.isWide {
        tools.narrowing.run(wide, around: around.start, count: rows * columns, to: y.start)
      }
    }
  }

  /// What the second product is added to: z, and what went around unless that is added at the end.
  private func begin(_ wide: UnsafeMutablePointer<Float>, _ z: Tensor, _ around: Tensor) {
    let count = rows * columns
    guard !tools.isWide else {
      return tools.narrowing.run(
        z.pointer(to: Float.self), around: around.start, count: count, to: wide)
    }
    pool.share(count, grain: 64, least: 4096) { own, _ in
      Widening(tools.activations).run(z.start, own, to: wide + own.lowerBound)
    }
  }

  private func activate(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>
  ) {
    pool.share(rows * width, grain: 16, least: 1024) { own, _ in
      for index in own { y[index] = x[index] / (1 + expf(-x[index])) }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let z = bound.value(inputs[0])
    let inner = bound.value(outputs[1]).pointer(to: Float.self)
    let dy = bound.gradient(outputs[0]).pointer(to: Float.self)
    let dz = bound.gradientIfAny(inputs[0])?.pointer(to: Float.self)
    let adds = bound.adds(inputs[0])
    let (active, slope) = (bound.floats(0), bound.floats(1))
    let (down, up, width, columns) = (parameters[0], parameters[1], width, columns)
    let (ddown, dup) = (bound.gradient(of: down), bound.gradient(of: up))
    return { [self] in
      let given = rounded(dy, columns: columns)
      activate(inner, to: active)
      if let dup {
        tools.gemm.multiply(
          given.transposed, rows: columns, k: rows,
          Gemm.Output(
            rounded(active, columns: width).transposed, n: width, to: dup.to,
            accumulates: dup.adds()))
      }
      tools.gemm.multiply(
        given, rows: rows, k: columns,
        Gemm.Output(rounded(up.floats, columns: width).transposed, n: width, to: slope))
      pool.share(rows * width, grain: 16, least: 1024) { own, _ in
        for index in own {
          let s = 1 / (1 + expf(-inner[index]))
          slope[index] *= s * (1 + inner[index] * (1 - s))
        }
      }
      let back = rounded(slope, columns: width)
      if let ddown {
        tools.gemm.multiply(
          back.transposed, rows: width, k: rows,
          Gemm.Output(
            stored(z).transposed, n: columns, to: ddown.to, accumulates: ddown.adds()))
      }
      guard let dz else { return }
      pool.share(rows * columns, grain: 64, least: 4096) { own, _ in
        for index in own { dz[index] = adds ? dz[index] + dy[index] : dy[index] }
      }
      tools.gemm.multiply(
        back, rows: rows, k: width,
        Gemm.Output(
          rounded(down.floats, columns: columns).transposed, n: columns, to: dz,
          accumulates: true))
    }
  }
}
