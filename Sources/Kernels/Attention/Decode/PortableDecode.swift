import CMicrokernels
import Glibc

// The loops of a step of decoding in plain Swift, for every processor.

enum PortableDecode {
  static func keys(_ type: CacheType) -> hr_cache_keys {
    switch type {
    case .fp32:
      keys(
        scores: { scores(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.fp32, $0, $1, $2, $3, $4, isKey: true) })
    case .fp16:
      keys(
        scores: { scores(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.fp16, $0, $1, $2, $3, $4, isKey: true) })
    case .bf16:
      keys(
        scores: { scores(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.bf16, $0, $1, $2, $3, $4, isKey: true) })
    case .q8_0:
      keys(
        scores: { codedScores(.q8_0, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.q8_0, $0, $1, $2, $3, $4, isKey: true) })
    case .q4_0:
      keys(
        scores: { codedScores(.q4_0, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.q4_0, $0, $1, $2, $3, $4, isKey: true) })
    }
  }

  static func values(_ type: CacheType) -> hr_cache_values {
    switch type {
    case .fp32:
      hr_cache_values(
        add: { add(StoredFP32.self, .fp32, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.fp32, $0, $1, $2, $3, $4, isKey: false) })
    case .fp16:
      hr_cache_values(
        add: { add(StoredFP16.self, .fp16, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.fp16, $0, $1, $2, $3, $4, isKey: false) })
    case .bf16:
      hr_cache_values(
        add: { add(StoredBF16.self, .bf16, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.bf16, $0, $1, $2, $3, $4, isKey: false) })
    case .q8_0:
      hr_cache_values(
        add: { addCoded(.q8_0, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.q8_0, $0, $1, $2, $3, $4, isKey: false) })
    case .q4_0:
      hr_cache_values(
        add: { addCoded(.q4_0, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        store: { store(.q4_0, $0, $1, $2, $3, $4, isKey: false) })
    }
  }

  static let loops = hr_decode_loops(
    softmax: { scores, stride, count, rows, first, last, maximum, sum, sums, headDim, _ in
      softmax(scores, stride, count, rows, first, last, maximum, sum, sums, headDim)
    },
    combine: { combine($0, $1, $2, $3, $4, $5, $6) })

  /// Queries stay as they are, whatever the keys are stored as.
  private static func keys(
    scores:
      @escaping @convention(c) (
        UnsafeRawPointer?, Int32, Int32, Int64, UnsafeRawPointer?, Int32,
        UnsafeMutablePointer<Float>?, Int64, UnsafePointer<hr_run>?
      ) -> Void,
    store:
      @escaping @convention(c) (
        UnsafePointer<Float>?, Int64, Int32, Int32, UnsafeMutableRawPointer?
      ) -> Void
  ) -> hr_cache_keys {
    hr_cache_keys(
      query_bytes: 128,
      pack_queries: { from, rows, headDim, scale, to in
        guard let from, let to = to?.assumingMemoryBound(to: Float.self) else { return }
        for index in 0..<Int(rows) * Int(headDim) { to[index] = from[index] * scale }
      }, scores: scores, store: store)
  }
}

private func scores<S: StoredElement>(
  _: S.Type, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ headDim: Int64,
  _ queries: UnsafeRawPointer?, _ rows: Int32, _ to: UnsafeMutablePointer<Float>?, _ stride: Int64,
  _: UnsafePointer<hr_run>?
) {
  guard let block = block?.assumingMemoryBound(to: S.Bits.self),
    let queries = queries?.assumingMemoryBound(to: Float.self), let to
  else { return }
  let (width, headDim) = (Int(width), Int(headDim))
  for row in 0..<Int(rows) {
    for column in Swift.stride(from: 0, to: Int(tokens), by: 8) {
      var sum = PortableLanes.zero
      for index in 0..<headDim {
        sum += S.load(block + index * width + column) * queries[row * headDim + index]
      }
      UnsafeMutableRawPointer(to + row * Int(stride) + column)
        .storeBytes(of: sum, as: PortableLanes.self)
    }
  }
}

/// Code by code, as `hr_cache_keys` lays them out.
private func codedScores(
  _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ headDim: Int64,
  _ queries: UnsafeRawPointer?, _ rows: Int32, _ to: UnsafeMutablePointer<Float>?, _ stride: Int64,
  _: UnsafePointer<hr_run>?
) {
  guard let block, let queries = queries?.assumingMemoryBound(to: Float.self), let to else {
    return
  }
  let (width, headDim, codes) = (Int(width), Int(headDim), type.codeBytes)
  for row in 0..<Int(rows) { (to + row * Int(stride)).update(repeating: 0, count: width) }
  for group in 0..<headDim / 32 {
    let start = block + group * width * (2 + codes)
    for token in 0..<Int(tokens) {
      let scale = start.half(2 * token)
      let words = start + 2 * width + 4 * token
      for index in 0..<codes {
        type.forEachCode(words.byte(index / 4 * width * 4 + index % 4), index) { place, code in
          for row in 0..<Int(rows) {
            to[row * Int(stride) + token] +=
              Float(code) * scale * queries[row * headDim + group * 32 + place]
          }
        }
      }
    }
  }
}

extension CacheType {
  /// Bytes of the codes of 32 that share a scale.
  fileprivate var codeBytes: Int { self == .q8_0 ? 32 : 16 }

  /// A byte's codes, each with its place among the 32, less the code that stands for 0.
  @inline(__always)
  fileprivate func forEachCode(_ byte: UInt8, _ index: Int, _ body: (Int, Int) -> Void) {
    if self == .q8_0 {
      body(index, Int(byte) - 128)
    } else {
      body(index, Int(byte & 15) - 8)
      body(16 + index, Int(byte >> 4) - 8)
    }
  }
}

private func add<S: StoredElement>(
  _: S.Type, _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32,
  _ headDim: Int64, _ weights: UnsafePointer<Float>?, _ stride: Int64, _ rows: Int32,
  _ sums: UnsafeMutablePointer<Float>?, _: UnsafePointer<hr_run>?
) {
  guard let block = block?.assumingMemoryBound(to: S.Bits.self), let weights, let sums else {
    return
  }
  let layout = CacheLayout(type, headDim: Int(headDim), width: Int(width))
  let padded = layout.paddedHeadDim
  for row in 0..<Int(rows) {
    for column in Swift.stride(from: 0, to: padded, by: 8) {
      let place = UnsafeMutableRawPointer(sums + row * padded + column)
      var sum = place.loadUnaligned(as: PortableLanes.self)
      let first = layout.valuePlace(row: 0, column: column)
      let pitch = layout.valuePlace(row: 1, column: column) - first
      for token in 0..<Int(tokens) {
        sum += S.load(block + first + token * pitch) * weights[row * Int(stride) + token]
      }
      place.storeBytes(of: sum, as: PortableLanes.self)
    }
  }
}

/// Code by code, as `hr_cache_values` lays them out.
private func addCoded(
  _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ headDim: Int64,
  _ weights: UnsafePointer<Float>?, _ stride: Int64, _ rows: Int32,
  _ sums: UnsafeMutablePointer<Float>?, _: UnsafePointer<hr_run>?
) {
  guard let block, let weights, let sums else { return }
  let (width, headDim, codes) = (Int(width), Int(headDim), type.codeBytes)
  let layout = CacheLayout(type, headDim: headDim, width: width)
  let groups = headDim / 32
  for token in 0..<Int(tokens) {
    for group in 0..<groups {
      let scale = block.half(2 * (group * width + token))
      let pair = block + layout.valueCodes(row: token, group: group)
      for index in 0..<codes {
        // The sign of q8_0's is in its place here.
        let byte = type == .q8_0 ? pair.byte(2 * index) ^ 0x80 : pair.byte(2 * index)
        type.forEachCode(byte, index) { place, code in
          for row in 0..<Int(rows) {
            sums[row * headDim + group * 32 + place] +=
              weights[row * Int(stride) + token] * scale * Float(code)
          }
        }
      }
    }
  }
}

private func store(
  _ type: CacheType, _ from: UnsafePointer<Float>?, _ headDim: Int64, _ width: Int32,
  _ token: Int32,
  _ block: UnsafeMutableRawPointer?, isKey: Bool
) {
  guard let from, let block else { return }
  let layout = CacheLayout(type, headDim: Int(headDim), width: Int(width))
  if isKey {
    layout.storeKey(from, at: Int(token), in: block)
  } else {
    layout.storeValue(from, at: Int(token), in: block)
  }
}

extension CacheLayout {
  /// Of one block of one head.
  fileprivate init(_ type: CacheType, headDim: Int, width: Int) {
    self.init(kvHeads: 1, headDim: headDim, keys: type, values: type, pageTokens: width)
  }
}

private func softmax(
  _ scores: UnsafeMutablePointer<Float>?, _ stride: Int64, _ count: Int64, _ rows: Int32,
  _ first: UnsafePointer<Int32>?, _ last: UnsafePointer<Int32>?,
  _ maximum: UnsafeMutablePointer<Float>?, _ sum: UnsafeMutablePointer<Float>?,
  _ sums: UnsafeMutablePointer<Float>?, _ headDim: Int64
) {
  guard let scores, let first, let last, let maximum, let sum, let sums else { return }
  let padded = roundUp(Int(headDim), to: 16)
  for row in 0..<Int(rows) {
    let line = scores + row * Int(stride)
    let seen = Int(first[row])..<Int(max(first[row], last[row] + 1))
    var now = maximum[row]
    for index in seen where !(line[index] <= now) { now = line[index] }
    let shrink = exp2f(maximum[row] - now)
    var total = sum[row] * shrink
    for index in 0..<Int(count) {
      line[index] = seen.contains(index) ? exp2f(line[index] - now) : 0
      total += line[index]
    }
    for index in 0..<padded { sums[row * padded + index] *= shrink }
    (maximum[row], sum[row]) = (now, total)
  }
}

private func combine(
  _ sums: UnsafePointer<Float>?, _ maximum: UnsafePointer<Float>?, _ sum: UnsafePointer<Float>?,
  _ spans: Int64, _ apart: Int64, _ headDim: Int64, _ to: UnsafeMutablePointer<Float>?
) {
  guard let sums, let maximum, let sum, let to else { return }
  let apart = Int(apart)
  var now = maximum[0]
  for span in 1..<max(1, Int(spans)) { now = max(now, maximum[span * apart]) }
  var total: Float = 0
  for span in 0..<Int(spans) { total += exp2f(maximum[span * apart] - now) * sum[span * apart] }
  to.update(repeating: 0, count: Int(headDim))
  for span in 0..<Int(spans) {
    let by = exp2f(maximum[span * apart] - now) / total
    for index in 0..<Int(headDim) { to[index] += by * sums[span * apart + index] }
  }
}
