import Quantities

/// A product in plain Swift, for every processor and format: each row of weights brought back to fp32,
/// then multiplied.
final class RowMatmul: Kernel, ParallelTask {
  private let m: Int
  private let product: Matmul
  private let a: Tensor
  private let weights: Tensor
  private let c: Tensor
  private let space: Space
  private let pool: ThreadPool

  /// A row of weights for each thread; and activations as they are multiplied, where those are rounded.
  final class Space {
    fileprivate let activations: Allocation?
    fileprivate let rows: Allocation

    init(m: Int, _ product: Matmul, _ execution: Execution) throws {
      let ledger = execution.ledger
      activations =
        product.activations == .int8
        ? try ledger.allocate(Self.roundedBytes(m: m, product), role: .workspace) : nil
      rows = try ledger.allocate(
        Self.rowBytes(product, threads: execution.threads), role: .workspace)
    }

    static func roundedBytes(m: Int, _ product: Matmul) -> Bytes {
      ElementType.fp32.bytes(of: product.activations == .int8 ? m * product.k : 0)
    }

    static func rowBytes(_ product: Matmul, threads: Int) -> Bytes {
      ElementType.fp32.bytes(of: product.k) * threads
    }
  }

  init(
    m: Int, _ product: Matmul, a: Tensor, weights: Tensor, c: Tensor, space: Space,
    pool: ThreadPool
  ) {
    self.m = m
    self.product = product
    self.a = a
    self.weights = weights
    self.c = c
    self.space = space
    self.pool = pool
  }

  func run() {
    if let rounded = space.activations {
      round(into: rounded.start.assumingMemoryBound(to: Float.self))
    }
    pool.run(self)
  }

  func run(part: Int, of parts: Int) {
    let (n, k) = (product.n, product.k)
    let row = space.rows.start.assumingMemoryBound(to: Float.self) + part * k
    let a =
      space.activations?.start.assumingMemoryBound(to: Float.self) ?? a.pointer(to: Float.self)
    let c = c.pointer(to: Float.self)
    let quantized = product.weights.weights(at: weights.start, rows: n, columns: k)
    for output in split(n, part: part, of: parts) {
      if let quantized {
        quantized.dequantize(row: output, into: row)
      } else {
        for index in 0..<k { row[index] = weights[output * k + index] }
      }
      for index in 0..<m { c[index * n + output] = dot(a + index * k, row, count: k) }
    }
  }

  private func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
    var sums = SIMD8<Float>.zero
    let whole = count / 8 * 8
    for index in stride(from: 0, to: whole, by: 8) {
      sums += SIMD8(loading: a + index) * SIMD8(loading: b + index)
    }
    var sum = sums.sum()
    for index in whole..<count { sum += a[index] * b[index] }
    return sum
  }

  /// To whole multiples of 1/127 of the largest of each block of a row, and back.
  private func round(into rounded: UnsafeMutablePointer<Float>) {
    let (k, block) = (product.k, product.weights.activationBlock)
    let a = a.pointer(to: Float.self)
    for row in 0..<m {
      for start in stride(from: 0, to: k, by: block) {
        let range = row * k + start..<row * k + min(k, start + block)
        let largest = range.reduce(Float(0)) { max($0, abs(a[$1])) }
        let counts = largest >= 0x1p-118
        let (factor, step) = counts ? (127 / largest, largest / 127) : (0, 0)
        for index in range {
          rounded[index] = (a[index] * factor).rounded(.toNearestOrEven) * step
        }
      }
    }
  }
}
