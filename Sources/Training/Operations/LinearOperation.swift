import Kernels
import Quantities

/// Products of the same rows with one or several matrices of weights, their queries and keys rotated, or their
/// output added to what went around.
///
///     yᵢ = x · wᵢᵀ (+ around),  dx = Σ dyᵢ · wᵢ,  dwᵢ = dyᵢᵀ · x
final class LinearOperation: TapeOperation {
  let name: String
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let flows: [GradientFlow]
  private let projections: [Projection]
  private let rows: Int
  private let columns: Int
  private let gemm: Gemm
  private let rotation: Rotation?
  private let activations: FloatFormat

  /// One matrix, and what becomes of its output.
  struct Projection {
    let weights: Parameter
    let y: Value
    let isRotated: Bool

    init(_ weights: Parameter, to y: Value, isRotated: Bool = false) {
      self.weights = weights
      self.y = y
      self.isRotated = isRotated
    }
  }

  /// - Parameter around: is added to the output, where there is only one.
  init(
    _ name: String, layer: Int?, _ x: Value, _ projections: [Projection], around: Value? = nil,
    rows: Int, columns: Int, activations: FloatFormat, rotation: Rotation? = nil, _ gemm: Gemm
  ) {
    self.name = name
    self.layer = layer
    inputs = [x] + (around.map { [$0] } ?? [])
    flows = [.computed] + (around == nil ? [] : [.passed(output: 0)])
    outputs = projections.map(\.y)
    self.projections = projections
    self.rows = rows
    self.columns = columns
    self.activations = activations
    self.rotation = rotation
    self.gemm = gemm
  }

  var parameters: [Parameter] { projections.map(\.weights) }
  var backwardReads: [Value] {
    projections.contains(where: \.weights.isTrained) ? [inputs[0]] : []
  }

  var forwardFlops: Int { 2 * rows * parameters.reduce(0) { $0 + $1.count } }

  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount(
      2 * rows
        * parameters.reduce(0) { $0 + $1.count * ((inputs[0] ? 1 : 0) + ($1.isTrained ? 1 : 0)) })
  }

  private func matrix(_ tensor: Tensor, columns: Int, _ element: FloatFormat) -> Gemm.Matrix {
    Gemm.Matrix(UnsafeRawPointer(tensor.start), stride: columns, element: element)
  }

  func forward(_ bound: Bound) -> () -> Void {
    let x = matrix(bound.value(inputs[0]), columns: columns, activations)
    let around = inputs.count > 1 ? bound.value(inputs[1]) : nil
    let products = projections.map { one in
      Gemm.Output(
        Gemm.Matrix(one.weights.floats, stride: columns), n: one.weights.tensor.rows,
        to: bound.value(one.y).pointer(to: Float.self), accumulates: around != nil)
    }
    let rotated = projections.filter(\.isRotated).map { bound.value($0.y) }
    let first = bound.value(projections[0].y)
    return { [gemm, rows, columns, rotation] in
      if let around {
        first.start.copyMemory(from: around.start, byteCount: around.bytes.count)
      }
      gemm.multiply(x, rows: rows, k: columns, products)
      for one in rotated { rotation?.forward(one) }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let dx = bound.gradientIfAny(inputs[0])?.pointer(to: Float.self)
    let adds = bound.adds(inputs[0])
    let trained = projections.contains { bound.gradient(of: $0.weights) != nil }
    let x = trained ? matrix(bound.value(inputs[0]), columns: columns, activations) : nil
    let ways = projections.compactMap { one -> Way? in
      guard let dy = bound.gradientIfAny(one.y) else { return nil }
      return Way(one, dy, bound.gradient(of: one.weights))
    }
    return { [gemm, rows, columns, rotation] in
      var isFirst = !adds
      for way in ways {
        if way.isRotated { rotation?.backward(way.dy) }
        let dy = Gemm.Matrix(way.dy.pointer(to: Float.self), stride: way.n)
        if let dx {
          gemm.multiply(
            dy, rows: rows, k: way.n,
            Gemm.Output(
              Gemm.Matrix(way.weights, stride: columns, isTransposed: true), n: columns, to: dx,
              accumulates: !isFirst))
          isFirst = false
        }
        if let gradient = way.gradient, let x {
          gemm.multiply(
            dy.transposed, rows: way.n, k: rows,
            Gemm.Output(
              x.transposed, n: columns, to: gradient.to, accumulates: gradient.adds()))
        }
      }
    }
  }

  /// One projection's way back.
  private struct Way {
    let dy: Tensor
    let n: Int
    let weights: UnsafePointer<Float>
    let isRotated: Bool
    let gradient: (to: UnsafeMutablePointer<Float>, adds: () -> Bool)?

    init(
      _ projection: Projection, _ dy: Tensor,
      _ gradient: (to: UnsafeMutablePointer<Float>, adds: () -> Bool)?
    ) {
      self.dy = dy
      n = projection.weights.tensor.rows
      weights = UnsafePointer(projection.weights.floats)
      isRotated = projection.isRotated
      self.gradient = gradient
    }
  }
}
