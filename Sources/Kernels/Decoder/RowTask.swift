import CMicrokernels

/// What a layer does to each row between its products. A few rows are done where they are asked for:
/// waking threads would take longer.
final class RowTask: ParallelTask {
  private let shape: DecoderShape
  private let loops: hr_layer_loops
  private let pool: ThreadPool
  private var work = Work.none
  private var count = 0

  private enum Work {
    case none
    case norm(
      from: UnsafePointer<Float>, gain: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>)
    case addAndNorm(
      from: UnsafePointer<Float>, x: UnsafeMutablePointer<Float>, gain: UnsafePointer<Float>,
      to: UnsafeMutablePointer<Float>)
    case activate(gate: UnsafePointer<Float>, up: UnsafeMutablePointer<Float>)
    case add(from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>)
  }

  init(shape: DecoderShape, loops: hr_layer_loops, pool: ThreadPool) {
    self.shape = shape
    self.loops = loops
    self.pool = pool
  }

  func norm(_ x: Tensor, _ gain: UnsafePointer<Float>, to: Tensor, rows: Int) {
    start(.norm(from: floats(x), gain: gain, to: floats(to)), rows)
  }

  func addAndNorm(
    _ from: Tensor, to x: Tensor, _ gain: UnsafePointer<Float>, into to: Tensor, rows: Int
  ) {
    start(.addAndNorm(from: floats(from), x: floats(x), gain: gain, to: floats(to)), rows)
  }

  func activate(gate: Tensor, _ up: Tensor, rows: Int) {
    start(.activate(gate: floats(gate), up: floats(up)), rows)
  }

  func add(_ from: Tensor, to x: Tensor, rows: Int) {
    start(.add(from: floats(from), to: floats(x)), rows)
  }

  private func floats(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
    tensor.pointer(to: Float.self)
  }

  private func start(_ work: Work, _ rows: Int) {
    self.work = work
    count = rows
    if rows < 2 * pool.threads { run(part: 0, of: 1) } else { pool.run(self) }
  }

  func run(part: Int, of parts: Int) {
    let rows = split(count, part: part, of: parts)
    let columns = shape.hidden
    switch work {
    case .none: break
    case .norm(let from, let gain, let to):
      for row in rows { norm(from + row * columns, gain, to + row * columns) }
    case .addAndNorm(let from, let x, let gain, let to):
      for row in rows {
        loops.add_to(from + row * columns, Int64(columns), x + row * columns)
        norm(x + row * columns, gain, to + row * columns)
      }
    case .activate(let gate, let up):
      let (start, count) = (rows.lowerBound * shape.ffn, Int64(rows.count * shape.ffn))
      if shape.mlp == .swiglu {
        loops.swiglu(gate + start, up + start, count, up + start)
      } else {
        loops.gelu(up + start, count, up + start)
      }
    case .add(let from, let to):
      let start = rows.lowerBound * columns
      loops.add_to(from + start, Int64(rows.count * columns), to + start)
    }
  }

  private func norm(
    _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    loops.norm(x, gain, Int64(shape.hidden), DecoderShape.epsilon, y)
  }
}
