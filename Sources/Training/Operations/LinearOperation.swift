import Kernels
import Models
import Quantities

/// Products of the same rows with one or several matrices of weights, their queries and keys rotated, or their
/// output added to what went around; each may have a LoRA beside it.
///
///     yᵢ = x · wᵢᵀ + scale · dropped(x) · aᵢᵀ · bᵢᵀ (+ around)
///     dx = Σ dyᵢ · wᵢ + scale · undropped(dyᵢ · bᵢ · aᵢ),  dwᵢ = dyᵢᵀ · x
///     dbᵢ = scale · dyᵢᵀ · dropped(x) · aᵢᵀ,  daᵢ = scale · (dyᵢ · bᵢ)ᵀ · dropped(x)
final class LinearOperation: TapeOperation {
  let name: String
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let flows: [GradientFlow]
  private let projections: [Projection]
  private let rows: Int
  private let columns: Int
  private let tools: Tools
  private let rotation: Rotation?

  /// What all layers share.
  struct Tools {
    let gemm: Gemm
    let base: BaseProducts
    let dropout: Dropout
    let narrowing: Narrowing

    var activations: FloatFormat { narrowing.activations }
    /// Of weights and gradients, which are in fp32.
    var operand: Gemm.Element { .rounded(to: activations) }
    /// Whether products write what is kept, and it need not be made narrower.
    var isWide: Bool { narrowing.isWide }
  }

  /// One matrix, and what becomes of its output.
  struct Projection {
    let weights: Parameter
    let y: Value
    let isRotated: Bool
    let lora: LoRA?

    init(_ weights: Parameter, to y: Value, isRotated: Bool = false, lora: LoRA? = nil) {
      self.weights = weights
      self.y = y
      self.isRotated = isRotated
      self.lora = lora
    }
  }

  /// Two thin matrices beside a frozen one.
  struct LoRA {
    /// rank × k.
    let a: Parameter
    /// n × rank.
    let b: Parameter
    let scale: Float
    /// scale · dropped(x) · aᵀ: rows × rank.
    let inner: Value
    /// Which numbers of its input are dropped follows from it.
    let stream: UInt32

    static func stream(_ layer: Int, _ product: ModelShape.Product) -> UInt32 {
      UInt32(layer * ModelShape.Product.allCases.count + product.rawValue)
    }
  }

  /// - Parameter around: is added to the output, where there is only one.
  init(
    _ name: String, layer: Int?, _ x: Value, _ projections: [Projection], around: Value? = nil,
    rows: Int, columns: Int, rotation: Rotation? = nil, _ tools: Tools
  ) {
    self.name = name
    self.layer = layer
    inputs = [x] + (around.map { [$0] } ?? [])
    flows = [.computed] + (around == nil ? [] : [.passed(output: 0)])
    outputs = projections.map(\.y) + projections.compactMap(\.lora?.inner)
    self.projections = projections
    self.rows = rows
    self.columns = columns
    self.rotation = rotation
    self.tools = tools
  }

  var parameters: [Parameter] {
    projections.flatMap { [$0.weights] + ($0.lora.map { [$0.a, $0.b] } ?? []) }
  }

  var backwardReads: [Value] {
    (parameters.contains(where: \.isTrained) ? [inputs[0]] : [])
      + projections.compactMap(\.lora?.inner)
  }

  private var loras: [LoRA] { projections.compactMap(\.lora) }

  /// Frozen matrices, and what goes beside them.
  var adapted: [(weights: Parameter, lora: LoRA)] {
    projections.compactMap { one in one.lora.map { (one.weights, $0) } }
  }
  private var drops: Bool { !loras.isEmpty && tools.dropout.share > 0 }

  /// Outputs before they are made narrower; and what LoRA is given when some of it is dropped.
  var forwardScratch: [Int] {
    (tools.isWide ? [] : projections.map { rows * $0.weights.rows })
      + (drops ? [rows * columns] : [])
  }
  /// The gradient of LoRA's few numbers; what it is given; and what comes back of that.
  var backwardScratch: [Int] {
    guard let rank = loras.map(\.a.rows).max() else { return [] }
    return [rows * rank] + (drops ? [rows * columns, rows * columns] : [])
  }

  var forwardFlops: Int { 2 * rows * parameters.reduce(0) { $0 + $1.count } }

  func backwardFlops(inputs: [Bool]) -> FlopCount {
    let base = projections.reduce(0) {
      $0 + $1.weights.count * ((inputs[0] ? 1 : 0) + ($1.weights.isTrained ? 1 : 0))
    }
    let thin = loras.reduce(0) { $0 + 2 * $1.b.count + (inputs[0] ? 2 : 1) * $1.a.count }
    return FlopCount(2 * rows * (base + thin))
  }

  private func stored(_ tensor: Tensor) -> Gemm.Matrix {
    Gemm.Matrix(
      UnsafeRawPointer(tensor.start), stride: columns, element: .stored(tools.activations))
  }

  /// Weights, or a gradient, in fp32.
  private func rounded(_ numbers: UnsafePointer<Float>, columns: Int) -> Gemm.Matrix {
    Gemm.Matrix(numbers, stride: columns, element: tools.operand)
  }

  // MARK: Forward

  func forward(_ bound: Bound) -> () -> Void {
    let x = bound.value(inputs[0])
    let around = inputs.count > 1 ? bound.value(inputs[1]) : nil
    // Wide outputs are what is kept: products add to a copy of what went around.
    let wide = projections.enumerated().map { index, one in
      tools.isWide ? bound.value(one.y).pointer(to: Float.self) : bound.floats(index)
    }
    let copied = tools.isWide ? around : nil
    let base = forwardBase(bound, wide, accumulates: copied != nil)
    let thin = zip(projections, wide).compactMap { one, y in
      one.lora.map { forwardThin($0, to: y, x, bound) }
    }
    let rotated = zip(projections, wide).filter(\.0.isRotated).map { ($1, $0.weights.rows) }
    let narrowed =
      tools.isWide ? [] : zip(projections, wide).map { ($1, bound.value($0.y)) }
    return { [rotation, rows, tools] in
      if let copied {
        UnsafeMutableRawPointer(wide[0]).copyMemory(
          from: copied.start, byteCount: copied.bytes.count)
      }
      base()
      for one in thin { one() }
      for (y, columns) in rotated { rotation?.forward(y, rows: rows, columns: columns) }
      for (y, kept) in narrowed {
        tools.narrowing.run(y, around: around?.start, count: kept.count, to: kept.start)
      }
    }
  }

  /// Plain weights are multiplied together, so that rows are packed once; others one after the other.
  private func forwardBase(
    _ bound: Bound, _ outputs: [UnsafeMutablePointer<Float>], accumulates: Bool
  ) -> () -> Void {
    let x = stored(bound.value(inputs[0]))
    let targets = zip(projections.map(\.weights), outputs)
    let products = targets.compactMap { weights, y in
      weights.matrix(roundedTo: tools.activations).map {
        Gemm.Output($0, n: weights.rows, to: y, accumulates: accumulates)
      }
    }
    guard products.count == projections.count else {
      return { [tools, rows] in
        for (weights, y) in targets {
          tools.base.forward(x, rows: rows, weights, to: y, accumulates: accumulates)
        }
      }
    }
    return { [tools, rows, columns] in
      tools.gemm.multiply(x, rows: rows, k: columns, products)
    }
  }

  private func forwardThin(
    _ lora: LoRA, to y: UnsafeMutablePointer<Float>, _ x: Tensor, _ bound: Bound
  ) -> () -> Void {
    let (given, drop) = dropped(
      x, lora, bound, scratch: tools.isWide ? 0 : projections.count)
    let (rank, n) = (lora.a.rows, lora.b.rows)
    let inner = bound.value(lora.inner).pointer(to: Float.self)
    let (a, b) = (
      rounded(lora.a.floats, columns: columns), rounded(lora.b.floats, columns: rank)
    )
    let thin = rounded(inner, columns: rank)
    return { [tools, rows, columns, state = bound.state] in
      drop?(state)
      tools.gemm.multiply(given, rows: rows, k: columns, Gemm.Output(a, n: rank, to: inner))
      tools.dropout.scale(inner, by: lora.scale, count: rows * rank)
      tools.gemm.multiply(
        thin, rows: rows, k: rank, Gemm.Output(b, n: n, to: y, accumulates: true))
    }
  }

  /// What LoRA is given: the rows themselves, or what is left of them in scratch.
  private func dropped(_ x: Tensor, _ lora: LoRA, _ bound: Bound, scratch: Int) -> (
    matrix: Gemm.Matrix, drop: ((StepState) -> Void)?
  ) {
    guard drops else { return (stored(x), nil) }
    let to = bound.floats(scratch)
    return (
      rounded(to, columns: columns),
      { [tools, count = rows * columns] state in
        tools.dropout.drop(x, count: count, stream: lora.stream, state, to: to)
      }
    )
  }

  // MARK: Backward

  func backward(_ bound: Bound) -> () -> Void {
    let dx = bound.gradientIfAny(inputs[0])?.pointer(to: Float.self)
    let adds = bound.adds(inputs[0])
    let ways = projections.compactMap { one -> Way? in
      bound.gradientIfAny(one.y).map { Way(one, $0, bound) }
    }
    let steps = ways.map { way -> (Bool) -> Void in
      let base = backwardBase(way, bound, dx)
      let thin = way.projection.lora.map { backwardThin($0, way, bound, dx) }
      return { accumulates in
        base(accumulates)
        thin?()
      }
    }
    return { [rotation, rows] in
      for (index, (way, step)) in zip(ways, steps).enumerated() {
        if way.projection.isRotated {
          rotation?.backward(way.dy.pointer(to: Float.self), rows: rows, columns: way.n)
        }
        step(adds || index > 0)
      }
    }
  }

  /// One projection's way back.
  private struct Way {
    let projection: Projection
    let dy: Tensor
    let n: Int
    let gradient: (to: UnsafeMutablePointer<Float>, adds: () -> Bool)?

    init(_ projection: Projection, _ dy: Tensor, _ bound: Bound) {
      self.projection = projection
      self.dy = dy
      n = projection.weights.rows
      gradient = bound.gradient(of: projection.weights)
    }

  }

  private func backwardBase(_ way: Way, _ bound: Bound, _ dx: UnsafeMutablePointer<Float>?)
    -> (Bool) -> Void
  {
    let x = way.gradient == nil ? nil : stored(bound.value(inputs[0]))
    let dy = rounded(way.dy.pointer(to: Float.self), columns: way.n)
    let weights = way.projection.weights
    return { [tools, rows, columns] accumulates in
      if let dx {
        tools.base.backward(dy, rows: rows, weights, to: dx, accumulates: accumulates)
      }
      if let gradient = way.gradient, let x {
        tools.gemm.multiply(
          dy.transposed, rows: way.n, k: rows,
          Gemm.Output(x.transposed, n: columns, to: gradient.to, accumulates: gradient.adds()))
      }
    }
  }

  private func backwardThin(
    _ lora: LoRA, _ way: Way, _ bound: Bound, _ dx: UnsafeMutablePointer<Float>?
  ) -> () -> Void {
    let rank = lora.a.rows
    let (given, drop) = dropped(bound.value(inputs[0]), lora, bound, scratch: 1)
    let inner = rounded(bound.value(lora.inner).pointer(to: Float.self), columns: rank)
    let slope = bound.floats(0)
    let back = drops ? bound.floats(2) : nil
    let (da, db) = (bound.gradient(of: lora.a), bound.gradient(of: lora.b))
    let dy = rounded(way.dy.pointer(to: Float.self), columns: way.n)
    let (a, b) = (
      rounded(lora.a.floats, columns: columns), rounded(lora.b.floats, columns: rank)
    )
    let ds = rounded(slope, columns: rank)
    return { [tools, rows, columns, state = bound.state] in
      if let db {
        tools.gemm.multiply(
          dy.transposed, rows: way.n, k: rows,
          Gemm.Output(inner.transposed, n: rank, to: db.to, accumulates: db.adds()))
      }
      tools.gemm.multiply(
        dy, rows: rows, k: way.n, Gemm.Output(b.transposed, n: rank, to: slope))
      tools.dropout.scale(slope, by: lora.scale, count: rows * rank)
      if let da {
        drop?(state)
        tools.gemm.multiply(
          ds.transposed, rows: rank, k: rows,
          Gemm.Output(given.transposed, n: columns, to: da.to, accumulates: da.adds()))
      }
      guard let dx else { return }
      tools.gemm.multiply(
        ds, rows: rows, k: rank,
        Gemm.Output(a.transposed, n: columns, to: back ?? dx, accumulates: back == nil))
      if let back {
        tools.dropout.addKept(
          back, count: rows * columns, stream: lora.stream, state, to: dx)
      }
    }
  }
}
