import Glibc
import Kernels
import Models

/// Matrices of fp64 with their gradients: each operation leaves on a tape how to go back through it.
///
/// Plain and slow: what faster ways are held against. Matrices are row-major.
package final class ReferenceTape {
  private var backward: [() -> Void] = []

  /// A matrix, and the derivative of the loss by each of its numbers.
  package final class Node {
    package let rows: Int
    package let columns: Int
    package var values: [Double]
    package var gradient: [Double]

    package init(rows: Int, columns: Int, _ values: [Double]) {
      precondition(values.count == rows * columns, "as many numbers as a matrix has")
      self.rows = rows
      self.columns = columns
      self.values = values
      gradient = [Double](repeating: 0, count: values.count)
    }
  }

  /// Goes back from a loss, which is one number.
  func goBack(from loss: Node) {
    loss.gradient = [1]
    for step in backward.reversed() { step() }
  }

  private func node(_ rows: Int, _ columns: Int, _ value: (Int) -> Double) -> Node {
    Node(rows: rows, columns: columns, (0..<rows * columns).map(value))
  }

  /// Rows of a table.
  func gather(_ table: Node, _ ids: [Int]) -> Node {
    let columns = table.columns
    let y = node(ids.count, columns) { table.values[ids[$0 / columns] * columns + $0 % columns] }
    backward.append {
      for index in y.values.indices {
        table.gradient[ids[index / columns] * columns + index % columns] += y.gradient[index]
      }
    }
    return y
  }

  /// x · wᵀ.
  func product(_ x: Node, _ w: Node) -> Node {
    precondition(x.columns == w.columns, "a product's sums are equally long")
    let (m, n, k) = (x.rows, w.rows, x.columns)
    let y = Node(rows: m, columns: n, [Double](repeating: 0, count: m * n))
    multiply(x.values, w.values, into: &y.values, m, n, k)
    backward.append {
      addProduct(y.gradient, w.values, to: &x.gradient, m, k, n)
      addTransposedProduct(y.gradient, x.values, to: &w.gradient, n, k, m)
    }
    return y
  }

  func add(_ a: Node, _ b: Node) -> Node {
    let y = node(a.rows, a.columns) { a.values[$0] + b.values[$0] }
    backward.append {
      for index in y.values.indices {
        a.gradient[index] += y.gradient[index]
        b.gradient[index] += y.gradient[index]
      }
    }
    return y
  }

  func scale(_ x: Node, by factor: Double) -> Node {
    let y = node(x.rows, x.columns) { x.values[$0] * factor }
    backward.append {
      for index in y.values.indices { x.gradient[index] += y.gradient[index] * factor }
    }
    return y
  }

  /// Number by number; a row of one matrix may go with all rows of the other.
  func times(_ a: Node, _ b: Node) -> Node {
    let count = b.values.count
    let y = node(a.rows, a.columns) { a.values[$0] * b.values[$0 % count] }
    backward.append {
      for index in y.values.indices {
        a.gradient[index] += y.gradient[index] * b.values[index % count]
        b.gradient[index % count] += y.gradient[index] * a.values[index]
      }
    }
    return y
  }

  /// x · σ(x).
  func silu(_ x: Node) -> Node {
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let y = node(x.rows, x.columns) { x.values[$0] * sigmoid(x.values[$0]) }
    backward.append {
      for index in y.values.indices {
        let s = sigmoid(x.values[index])
        x.gradient[index] += y.gradient[index] * s * (1 + x.values[index] * (1 - s))
      }
    }
    return y
  }

  /// Rows of unit root mean square, times a gain.
  func norm(_ x: Node, _ gain: Node, epsilon: Double) -> Node {
    let columns = x.columns
    let inverses = (0..<x.rows).map { row -> Double in
      let sum = x.values[row * columns..<(row + 1) * columns].reduce(0) { $0 + $1 * $1 }
      return 1 / (sum / Double(columns) + epsilon).squareRoot()
    }
    let y = node(x.rows, columns) {
      x.values[$0] * inverses[$0 / columns] * gain.values[$0 % columns]
    }
    backward.append {
      for row in 0..<x.rows {
        let (start, inverse) = (row * columns, inverses[row])
        var along = 0.0
        for column in 0..<columns {
          let place = start + column
          gain.gradient[column] += y.gradient[place] * x.values[place] * inverse
          along += y.gradient[place] * gain.values[column] * x.values[place]
        }
        let back = along / Double(columns) * inverse * inverse * inverse
        for column in 0..<columns {
          let place = start + column
          x.gradient[place] +=
            y.gradient[place] * gain.values[column] * inverse - x.values[place] * back
        }
      }
    }
    return y
  }

  /// Each head of each row rotated by the row's position.
  func rotate(_ x: Node, _ rotary: Rotary, headDim: Int, positions: [Int]) -> Node {
    guard !rotary.isNone else { return x }
    let angles = rotary.angles(headDim: headDim)
    let y = Node(rows: x.rows, columns: x.columns, x.values)
    func each(_ body: (_ one: Int, _ other: Int, _ cosine: Double, _ sine: Double) -> Void) {
      for row in 0..<x.rows {
        let (cosines, sines) = angles.cosinesAndSines(at: positions[row])
        for head in stride(from: row * x.columns, to: (row + 1) * x.columns, by: headDim) {
          for pair in cosines.indices {
            let (one, other) = rotary.layout.places(of: pair, headDim: headDim)
            body(head + one, head + other, cosines[pair], sines[pair])
          }
        }
      }
    }
    each { one, other, cosine, sine in
      y.values[one] = x.values[one] * cosine - x.values[other] * sine
      y.values[other] = x.values[one] * sine + x.values[other] * cosine
    }
    backward.append {
      each { one, other, cosine, sine in
        x.gradient[one] += y.gradient[one] * cosine + y.gradient[other] * sine
        x.gradient[other] += y.gradient[other] * cosine - y.gradient[one] * sine
      }
    }
    return y
  }

  /// Causal attention within sequences, which lie one after the other; all see a prefix, where there is one.
  func attention(
    _ q: Node, _ k: Node, _ v: Node, prefix: (keys: Node, values: Node)?, heads: Int,
    kvHeads: Int, headDim: Int, sequences: [Int]
  ) -> Node {
    let y = Node(
      rows: q.rows, columns: q.columns, [Double](repeating: 0, count: q.values.count))
    let scale = 1 / Double(headDim).squareRoot()
    let group = heads / kvHeads
    let before = prefix?.keys.rows ?? 0
    var starts: [Int] = []
    for (index, count) in sequences.enumerated() {
      starts += Array(repeating: sequences[..<index].reduce(0, +), count: count)
    }
    /// The keys that a row sees, each with where its head begins.
    func seen(_ row: Int, _ head: Int) -> [(keys: Node, values: Node, at: Int)] {
      let place = head / group * headDim
      let first = (0..<before).compactMap { index in
        prefix.map { ($0.keys, $0.values, index * k.columns + place) }
      }
      return first + (starts[row]...row).map { (k, v, $0 * k.columns + place) }
    }
    func weights(_ row: Int, _ head: Int) -> [Double] {
      let query = row * q.columns + head * headDim
      let scores = seen(row, head).map { key, _, at -> Double in
        (0..<headDim).reduce(0) { $0 + q.values[query + $1] * key.values[at + $1] } * scale
      }
      let top = scores.max() ?? 0
      let exponentials = scores.map { exp($0 - top) }
      let sum = exponentials.reduce(0, +)
      return exponentials.map { $0 / sum }
    }
    for row in 0..<q.rows {
      for head in 0..<heads {
        let place = row * y.columns + head * headDim
        for (weight, one) in zip(weights(row, head), seen(row, head)) {
          for index in 0..<headDim {
            y.values[place + index] += weight * one.values.values[one.at + index]
          }
        }
      }
    }
    backward.append {
      for row in 0..<q.rows {
        for head in 0..<heads {
          let (p, keys) = (weights(row, head), seen(row, head))
          let place = row * q.columns + head * headDim
          let dp = keys.map { one -> Double in
            (0..<headDim).reduce(0) {
              $0 + y.gradient[place + $1] * one.values.values[one.at + $1]
            }
          }
          let mean = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
          for (offset, one) in keys.enumerated() {
            let slope = p[offset] * (dp[offset] - mean) * scale
            for index in 0..<headDim {
              one.values.gradient[one.at + index] += p[offset] * y.gradient[place + index]
              q.gradient[place + index] += slope * one.keys.values[one.at + index]
              one.keys.gradient[one.at + index] += slope * q.values[place + index]
            }
          }
        }
      }
    }
    return y
  }

  /// The sum over the rows that have a target, times a factor.
  func crossEntropy(_ logits: Node, _ targets: [Int], by factor: Double) -> Node {
    let columns = logits.columns
    var loss = 0.0
    var sums = [Double](repeating: 0, count: logits.rows)
    for (row, target) in targets.enumerated() where target >= 0 {
      let numbers = logits.values[row * columns..<(row + 1) * columns]
      let top = numbers.max() ?? 0
      sums[row] = top + log(numbers.reduce(0) { $0 + exp($1 - top) })
      loss += sums[row] - logits.values[row * columns + target]
    }
    let y = Node(rows: 1, columns: 1, [loss * factor])
    backward.append {
      for (row, target) in targets.enumerated() where target >= 0 {
        for column in 0..<columns {
          let place = row * columns + column
          let weight = exp(logits.values[place] - sums[row]) - (column == target ? 1 : 0)
          logits.gradient[place] += weight * factor * y.gradient[0]
        }
      }
    }
    return y
  }
}

/// c[m, n] = a[m, k] · b[n, k]ᵀ.
private func multiply(
  _ a: [Double], _ b: [Double], into c: inout [Double], _ m: Int, _ n: Int, _ k: Int
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeMutableBufferPointer { c in
        for i in 0..<m {
          for j in 0..<n {
            var sum = SIMD4<Double>.zero
            let whole = k / 4 * 4
            for l in stride(from: 0, to: whole, by: 4) {
              let (x, y) = (i * k + l, j * k + l)
              let left = SIMD4<Double>(a[x], a[x + 1], a[x + 2], a[x + 3])
              let right = SIMD4<Double>(b[y], b[y + 1], b[y + 2], b[y + 3])
              sum += left * right
            }
            var total = sum.sum()
            for l in whole..<k { total += a[i * k + l] * b[j * k + l] }
            c[i * n + j] = total
          }
        }
      }
    }
  }
}

/// c[m, n] += a[m, k] · b[k, n].
private func addProduct(
  _ a: [Double], _ b: [Double], to c: inout [Double], _ m: Int, _ n: Int, _ k: Int
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeMutableBufferPointer { c in
        for l in 0..<k {
          for i in 0..<m {
            let factor = a[i * k + l]
            for j in 0..<n { c[i * n + j] += factor * b[l * n + j] }
          }
        }
      }
    }
  }
}

/// c[m, n] += a[k, m]ᵀ · b[k, n].
private func addTransposedProduct(
  _ a: [Double], _ b: [Double], to c: inout [Double], _ m: Int, _ n: Int, _ k: Int
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeMutableBufferPointer { c in
        for i in 0..<m {
          for l in 0..<k {
            let factor = a[l * m + i]
            for j in 0..<n { c[i * n + j] += factor * b[l * n + j] }
          }
        }
      }
    }
  }
}
