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
  private let gemm: Gemm
  private let pool: ThreadPool

  /// - Parameters:
  ///   - down: width × columns.
  ///   - up: columns × width.
  ///   - inner: h, rows × width.
  init(
    _ name: String, layer: Int?, _ z: Value, around: Value, down: Parameter, up: Parameter,
    to y: Value, inner: Value, rows: Int, _ gemm: Gemm, pool: ThreadPool
  ) {
    self.name = name
    self.layer = layer
    inputs = [z, around]
    outputs = [y, inner]
    parameters = [down, up]
    self.rows = rows
    self.gemm = gemm
    self.pool = pool
  }

  private var width: Int { parameters[0].rows }
  private var columns: Int { parameters[0].columns }

  var backwardReads: [Value] { [inputs[0], outputs[1]] }
  var forwardScratch: [Int] { [rows * width] }
  var backwardScratch: [Int] { [rows * width, rows * width] }
  var forwardFlops: Int { 4 * rows * parameters[0].count }
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount((inputs[0] ? 8 : 6) * rows * parameters[0].count)
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (z, around) = (bound.value(inputs[0]), bound.value(inputs[1]))
    let y = bound.value(outputs[0]).pointer(to: Float.self)
    let inner = bound.value(outputs[1]).pointer(to: Float.self)
    let active = bound.floats(0)
    let (down, up, width, columns) = (parameters[0], parameters[1], width, columns)
    return { [self] in
      let (from, beside) = (z.pointer(to: Float.self), around.pointer(to: Float.self))
      gemm.multiply(
        Gemm.Matrix(from, stride: columns), rows: rows, k: columns,
        Gemm.Output(Gemm.Matrix(down.floats, stride: columns), n: width, to: inner))
      activate(inner, to: active)
      pool.share(rows * columns, grain: 64, least: 4096) { own, _ in
        for index in own { y[index] = from[index] + beside[index] }
      }
      gemm.multiply(
        Gemm.Matrix(active, stride: width), rows: rows, k: width,
        Gemm.Output(
          Gemm.Matrix(up.floats, stride: width), n: columns, to: y, accumulates: true))
    }
  }

  private func activate(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<rows * width { y[index] = x[index] / (1 + expf(-x[index])) }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let z = bound.value(inputs[0]).pointer(to: Float.self)
    let inner = bound.value(outputs[1]).pointer(to: Float.self)
    let dy = bound.gradient(outputs[0]).pointer(to: Float.self)
    let dz = bound.gradientIfAny(inputs[0])?.pointer(to: Float.self)
    let adds = bound.adds(inputs[0])
    let (active, slope) = (bound.floats(0), bound.floats(1))
    let (down, up, width, columns) = (parameters[0], parameters[1], width, columns)
    let (ddown, dup) = (bound.gradient(of: down), bound.gradient(of: up))
    return { [self] in
      let given = Gemm.Matrix(dy, stride: columns)
      activate(inner, to: active)
      if let dup {
        gemm.multiply(
          given.transposed, rows: columns, k: rows,
          Gemm.Output(
            Gemm.Matrix(active, stride: width, isTransposed: true), n: width, to: dup.to,
            accumulates: dup.adds()))
      }
      gemm.multiply(
        given, rows: rows, k: columns,
        Gemm.Output(
          Gemm.Matrix(up.floats, stride: width, isTransposed: true), n: width, to: slope))
      for index in 0..<rows * width {
        let s = 1 / (1 + expf(-inner[index]))
        slope[index] *= s * (1 + inner[index] * (1 - s))
      }
      let back = Gemm.Matrix(slope, stride: width)
      if let ddown {
        gemm.multiply(
          back.transposed, rows: width, k: rows,
          Gemm.Output(
            Gemm.Matrix(z, stride: columns, isTransposed: true), n: columns, to: ddown.to,
            accumulates: ddown.adds()))
      }
      guard let dz else { return }
      pool.share(rows * columns, grain: 64, least: 4096) { own, _ in
        for index in own { dz[index] = adds ? dz[index] + dy[index] : dy[index] }
      }
      gemm.multiply(
        back, rows: rows, k: width,
        Gemm.Output(
          Gemm.Matrix(down.floats, stride: columns, isTransposed: true), n: columns, to: dz,
          accumulates: true))
    }
  }
}
