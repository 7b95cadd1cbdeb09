import CMicrokernels
import Glibc
import Quantities

/// What a training step does between its products in plain Swift, for every processor.
enum PortableTraining {
  static func loops(_ activations: FloatFormat) -> hr_training_loops {
    var loops = hr_training_loops()
    loops.softmax_sums = { logits, columns, largest, sum in
      guard let logits, let largest, let sum else { return }
      largest[0] = -.infinity
      for column in 0..<Int(columns) { largest[0] = max(largest[0], logits[column]) }
      sum[0] = 0
      for column in 0..<Int(columns) { sum[0] += expf(logits[column] - largest[0]) }
    }
    loops.softmax_scaled = { logits, columns, logSum, by in
      guard let logits else { return }
      for column in 0..<Int(columns) { logits[column] = expf(logits[column] - logSum) * by }
    }
    loops.attention_backward = {
      scores, dp, rows, columns, stride, scale, logSum, delta, first, end in
      guard let scores, let dp, let logSum, let delta, let first, let end else { return }
      for row in 0..<Int(rows) {
        let (p, d) = (scores + row * Int(stride), dp + row * Int(stride))
        for column in 0..<Int(columns) {
          let isSeen = column >= Int(first[row]) && column < Int(end[row])
          p[column] = isSeen ? exp2f(p[column] * scale - logSum[row]) : 0
          d[column] = isSeen ? p[column] * (d[column] - delta[row]) : 0
        }
      }
    }
    loops.store_columns = { from, fromStride, depth, count, by, accumulate, to, toStride in
      guard let from, let to else { return }
      for column in 0..<Int(count) {
        let row = to + column * Int(toStride)
        for index in 0..<Int(depth) {
          let value = by * from[index * Int(fromStride) + column]
          row[index] = accumulate != 0 ? row[index] + value : value
        }
      }
    }
    loops.scale = { x, by, count in
      guard let x else { return }
      for index in 0..<Int(count) { x[index] *= by }
    }
    loops.squares = { x, count in
      guard let x else { return 0 }
      var sum = 0.0
      for index in 0..<Int(count) { sum += Double(x[index]) * Double(x[index]) }
      return sum
    }
    loops.adamw = { step, g, count, w, m, v in
      guard let step = step?.pointee, let g, let w, let m, let v else { return }
      for index in 0..<Int(count) {
        let x = g[index] * step.gradient_scale
        m[index] = m[index] * step.beta1 + x * (1 - step.beta1)
        v[index] = v[index] * step.beta2 + x * x * (1 - step.beta2)
        let size = v[index].squareRoot() / step.root_correction2 + step.epsilon
        w[index] =
          w[index] * (1 - step.rate * step.decay)
          - step.rate / step.correction1 * (m[index] / size)
      }
    }
    loops.adamw8 = { step, g, count, w, m, v, mScales, vScales in
      guard let step = step?.pointee, let g, let w, let m, let v, let mScales, let vScales
      else { return }
      for start in stride(from: 0, to: Int(count), by: Int(HR_STATE_BLOCK)) {
        let end = min(Int(count), start + Int(HR_STATE_BLOCK))
        adamw8(step, g, start..<end, w, m, v, mScales + start / 256, vScales + start / 256)
      }
    }
    loops.momentum = { step, g, count, w, m in
      guard let step = step?.pointee, let g, let w else { return }
      for index in 0..<Int(count) {
        var x = g[index] * step.gradient_scale
        if let m {
          x += m[index] * step.beta1
          m[index] = x
        }
        w[index] = w[index] * (1 - step.rate * step.decay) - step.rate * x
      }
    }
    switch activations {
    case .fp32: addStored(StoredFP32.self, &loops)
    case .fp16: addStored(StoredFP16.self, &loops)
    case .bf16: addStored(StoredBF16.self, &loops)
    }
    return loops
  }

  private static func addStored(_: StoredFP32.Type, _ loops: inout hr_training_loops) {
    loops.norm = { norm(StoredFP32.self, $0, $1, $2, $3, $4) }
    loops.norm_backward = { normBackward(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6) }
    loops.norm_gain = { normGain(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6) }
    loops.swiglu = { swiglu(StoredFP32.self, $0, $1, $2, $3) }
    loops.swiglu_backward = { swigluBackward(StoredFP32.self, $0, $1, $2, $3, $4, $5) }
    loops.dot = { dot(StoredFP32.self, $0, $1, $2) }
    loops.narrow = { narrow(StoredFP32.self, $0, $1, $2, $3) }
  }

  private static func addStored(_: StoredFP16.Type, _ loops: inout hr_training_loops) {
    loops.norm = { norm(StoredFP16.self, $0, $1, $2, $3, $4) }
    loops.norm_backward = { normBackward(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6) }
    loops.norm_gain = { normGain(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6) }
    loops.swiglu = { swiglu(StoredFP16.self, $0, $1, $2, $3) }
    loops.swiglu_backward = { swigluBackward(StoredFP16.self, $0, $1, $2, $3, $4, $5) }
    loops.dot = { dot(StoredFP16.self, $0, $1, $2) }
    loops.narrow = { narrow(StoredFP16.self, $0, $1, $2, $3) }
  }

  private static func addStored(_: StoredBF16.Type, _ loops: inout hr_training_loops) {
    loops.norm = { norm(StoredBF16.self, $0, $1, $2, $3, $4) }
    loops.norm_backward = { normBackward(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6) }
    loops.norm_gain = { normGain(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6) }
    loops.swiglu = { swiglu(StoredBF16.self, $0, $1, $2, $3) }
    loops.swiglu_backward = { swigluBackward(StoredBF16.self, $0, $1, $2, $3, $4, $5) }
    loops.dot = { dot(StoredBF16.self, $0, $1, $2) }
    loops.narrow = { narrow(StoredBF16.self, $0, $1, $2, $3) }
  }
}

private typealias Floats = UnsafePointer<Float>
private typealias Results = UnsafeMutablePointer<Float>

@inline(__always)
private func norm<S: StoredElement>(
  _: S.Type, _ x: UnsafeRawPointer?, _ gain: Floats?, _ columns: Int64, _ epsilon: Float,
  _ y: UnsafeMutableRawPointer?
) -> Float {
  guard let x = x?.assumingMemoryBound(to: S.Bits.self), let gain,
    let y = y?.assumingMemoryBound(to: S.Bits.self)
  else { return 0 }
  var sum: Float = 0
  for index in 0..<Int(columns) { sum += S.widen(x[index]) * S.widen(x[index]) }
  let inverse = 1 / (sum / Float(columns) + epsilon).squareRoot()
  for index in 0..<Int(columns) {
    y[index] = S.narrow(S.widen(x[index]) * inverse * gain[index])
  }
  return inverse
}

@inline(__always)
private func normBackward<S: StoredElement>(
  _: S.Type, _ x: UnsafeRawPointer?, _ gain: Floats?, _ inverse: Float, _ dy: Floats?,
  _ columns: Int64, _ accumulate: Int32, _ dx: Results?
) {
  guard let x = x?.assumingMemoryBound(to: S.Bits.self), let gain, let dy, let dx else { return }
  var sum: Float = 0
  for index in 0..<Int(columns) { sum += gain[index] * dy[index] * S.widen(x[index]) }
  let back = sum / Float(columns) * inverse * inverse * inverse
  for index in 0..<Int(columns) {
    let d = gain[index] * dy[index] * inverse - S.widen(x[index]) * back
    dx[index] = accumulate != 0 ? dx[index] + d : d
  }
}

@inline(__always)
private func normGain<S: StoredElement>(
  _: S.Type, _ x: UnsafeRawPointer?, _ inverse: Floats?, _ dy: Floats?, _ rows: Int64,
  _ stride: Int64, _ columns: Int64, _ dgain: Results?
) {
  guard let x = x?.assumingMemoryBound(to: S.Bits.self), let inverse, let dy, let dgain else {
    return
  }
  for row in 0..<Int(rows) {
    for index in 0..<Int(columns) {
      let place = row * Int(stride) + index
      dgain[index] += dy[place] * S.widen(x[place]) * inverse[row]
    }
  }
}

@inline(__always)
private func sigmoid(_ x: Float) -> Float {
  let e = Float(exp(Double(-abs(x))))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

@inline(__always)
private func swiglu<S: StoredElement>(
  _: S.Type, _ gate: UnsafeRawPointer?, _ up: UnsafeRawPointer?, _ count: Int64,
  _ to: UnsafeMutableRawPointer?
) {
  guard let gate = gate?.assumingMemoryBound(to: S.Bits.self),
    let up = up?.assumingMemoryBound(to: S.Bits.self),
    let to = to?.assumingMemoryBound(to: S.Bits.self)
  else { return }
  for index in 0..<Int(count) {
    let x = S.widen(gate[index])
    to[index] = S.narrow(x * sigmoid(x) * S.widen(up[index]))
  }
}

@inline(__always)
private func swigluBackward<S: StoredElement>(
  _: S.Type, _ gate: UnsafeRawPointer?, _ up: UnsafeRawPointer?, _ dy: Floats?, _ count: Int64,
  _ dgate: Results?, _ dup: Results?
) {
  guard let gate = gate?.assumingMemoryBound(to: S.Bits.self),
    let up = up?.assumingMemoryBound(to: S.Bits.self), let dy, let dgate, let dup
  else { return }
  for index in 0..<Int(count) {
    let x = S.widen(gate[index])
    let (s, y) = (sigmoid(x), dy[index])
    dgate[index] = y * S.widen(up[index]) * s * (1 + x * (1 - s))
    dup[index] = y * x * s
  }
}

@inline(__always)
private func dot<S: StoredElement>(
  _: S.Type, _ x: UnsafeRawPointer?, _ y: Floats?, _ count: Int64
) -> Float {
  guard let x = x?.assumingMemoryBound(to: S.Bits.self), let y else { return 0 }
  var sum: Float = 0
  for index in 0..<Int(count) { sum += S.widen(x[index]) * y[index] }
  return sum
}

@inline(__always)
private func narrow<S: StoredElement>(
  _: S.Type, _ from: Floats?, _ around: UnsafeRawPointer?, _ count: Int64,
  _ to: UnsafeMutableRawPointer?
) {
  guard let from, let to = to?.assumingMemoryBound(to: S.Bits.self) else { return }
  let around = around?.assumingMemoryBound(to: S.Bits.self)
  for index in 0..<Int(count) {
    to[index] = S.narrow(from[index] + (around.map { S.widen($0[index]) } ?? 0))
  }
}

/// One block of states in 8 bits.
private func adamw8(
  _ step: hr_optimizer_step, _ g: Floats, _ block: Range<Int>, _ w: Results,
  _ m: UnsafeMutablePointer<UInt8>, _ v: UnsafeMutablePointer<UInt8>, _ mScale: Results,
  _ vScale: Results
) {
  var (first, second) = ([Float](), [Float]())
  for index in block {
    let x = g[index] * step.gradient_scale
    let one = StateMap.first.levels[Int(m[index])] * mScale[0] * step.beta1 + x * (1 - step.beta1)
    let two =
      StateMap.second.levels[Int(v[index])] * vScale[0] * step.beta2 + x * x * (1 - step.beta2)
    let size = two.squareRoot() / step.root_correction2 + step.epsilon
    w[index] =
      w[index] * (1 - step.rate * step.decay) - step.rate / step.correction1 * (one / size)
    first.append(one)
    second.append(two)
  }
  mScale[0] = first.reduce(0) { max($0, abs($1)) }
  vScale[0] = second.reduce(0) { max($0, abs($1)) }
  for (offset, index) in block.enumerated() {
    m[index] = StateMap.first.code(first[offset], scale: mScale[0])
    v[index] = StateMap.second.code(second[offset], scale: vScale[0])
  }
}
