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

  static let step = hr_decode_loops(
    softmax: { scores, stride, count, rows, first, last, most, sum, sums, depth, _ in
      softmax(scores, stride, count, rows, first, last, most, sum, sums, depth)
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
      ready: { from, rows, depth, scale, to in
        guard let from, let to = to?.assumingMemoryBound(to: Float.self) else { return }
        for index in 0..<Int(rows) * Int(depth) { to[index] = from[index] * scale }
      }, scores: scores, store: store)
  }
}

private func scores<S: StoredElement>(
  _: S.Type, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ depth: Int64,
  _ queries: UnsafeRawPointer?, _ rows: Int32, _ to: UnsafeMutablePointer<Float>?, _ stride: Int64,
  _: UnsafePointer<hr_run>?
) {
  guard let block = block?.assumingMemoryBound(to: S.Bits.self),
    let queries = queries?.assumingMemoryBound(to: Float.self), let to
  else { return }
  let (width, depth) = (Int(width), Int(depth))
  for row in 0..<Int(rows) {
    for column in Swift.stride(from: 0, to: Int(tokens), by: 8) {
      var sum = PortableLanes.zero
      for step in 0..<depth {
        sum += S.load(block + step * width + column) * queries[row * depth + step]
      }
      UnsafeMutableRawPointer(to + row * Int(stride) + column)
        .storeBytes(of: sum, as: PortableLanes.self)
    }
  }
}

/// Code by code, as `hr_cache_keys` lays them out.
private func codedScores(
  _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ depth: Int64,
  _ queries: UnsafeRawPointer?, _ rows: Int32, _ to: UnsafeMutablePointer<Float>?, _ stride: Int64,
  _: UnsafePointer<hr_run>?
) {
  guard let block, let queries = queries?.assumingMemoryBound(to: Float.self), let to else {
    return
  }
  let (width, depth, codes) = (Int(width), Int(depth), type.codeBytes)
  for row in 0..<Int(rows) { (to + row * Int(stride)).update(repeating: 0, count: width) }
  for group in 0..<depth / 32 {
    let start = block + group * width * (2 + codes)
    for token in 0..<Int(tokens) {
      let scale = start.half(2 * token)
      let words = start + 2 * width + 4 * token
      for index in 0..<codes {
        type.forEachCode(words.byte(index / 4 * width * 4 + index % 4), index) { place, code in
          for row in 0..<Int(rows) {
            to[row * Int(stride) + token] +=
              Float(code) * scale * queries[row * depth + group * 32 + place]
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
  _ depth: Int64, _ weights: UnsafePointer<Float>?, _ stride: Int64, _ rows: Int32,
  _ sums: UnsafeMutablePointer<Float>?, _: UnsafePointer<hr_run>?
) {
  guard let block = block?.assumingMemoryBound(to: S.Bits.self), let weights, let sums else {
    return
  }
  let layout = CacheLayout(type, depth: Int(depth), width: Int(width))
  let filled = layout.filledDepth
  for row in 0..<Int(rows) {
    for column in Swift.stride(from: 0, to: filled, by: 8) {
      let place = UnsafeMutableRawPointer(sums + row * filled + column)
      var sum = place.loadUnaligned(as: PortableLanes.self)
      let first = layout.valuePlace(row: 0, depth: column)
      let pitch = layout.valuePlace(row: 1, depth: column) - first
      for token in 0..<Int(tokens) {
        sum += S.load(block + first + token * pitch) * weights[row * Int(stride) + token]
      }
      place.storeBytes(of: sum, as: PortableLanes.self)
    }
  }
}

/// Code by code, as `hr_cache_values` lays them out.
private func addCoded(
  _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ depth: Int64,
  _ weights: UnsafePointer<Float>?, _ stride: Int64, _ rows: Int32,
  _ sums: UnsafeMutablePointer<Float>?, _: UnsafePointer<hr_run>?
) {
  guard let block, let weights, let sums else { return }
  let (width, depth, codes) = (Int(width), Int(depth), type.codeBytes)
  let layout = CacheLayout(type, depth: depth, width: width)
  let groups = depth / 32
  for token in 0..<Int(tokens) {
    for group in 0..<groups {
      let scale = block.half(2 * (group * width + token))
      let pair = block + layout.valueCodes(row: token, group: group)
      for index in 0..<codes {
        // The sign of q8_0's is in its place here.
        let byte = type == .q8_0 ? pair.byte(2 * index) ^ 0x80 : pair.byte(2 * index)
        type.forEachCode(byte, index) { place, code in
          for row in 0..<Int(rows) {
            sums[row * depth + group * 32 + place] +=
              weights[row * Int(stride) + token] * scale * Float(code)
          }
        }
      }
    }
  }
}

private func store(
  _ type: CacheType, _ from: UnsafePointer<Float>?, _ depth: Int64, _ width: Int32, _ token: Int32,
  _ block: UnsafeMutableRawPointer?, isKey: Bool
) {
  guard let from, let block else { return }
  let layout = CacheLayout(type, depth: Int(depth), width: Int(width))
  if isKey {
    layout.storeKey(from, at: Int(token), in: block)
  } else {
    layout.storeValue(from, at: Int(token), in: block)
  }
}

extension CacheLayout {
  /// Of one block of one head.
  fileprivate init(_ type: CacheType, depth: Int, width: Int) {
    self.init(kvHeads: 1, headDim: depth, keys: type, values: type, pageTokens: width)
  }
}

private func softmax(
  _ scores: UnsafeMutablePointer<Float>?, _ stride: Int64, _ count: Int64, _ rows: Int32,
  _ first: UnsafePointer<Int32>?, _ last: UnsafePointer<Int32>?,
  _ most: UnsafeMutablePointer<Float>?, _ sum: UnsafeMutablePointer<Float>?,
  _ sums: UnsafeMutablePointer<Float>?, _ depth: Int64
) {
  guard let scores, let first, let last, let most, let sum, let sums else { return }
  let filled = roundUp(Int(depth), to: 16)
  for row in 0..<Int(rows) {
    let line = scores + row * Int(stride)
    let seen = Int(first[row])..<Int(max(first[row], last[row] + 1))
    var now = most[row]
    for index in seen where !(line[index] <= now) { now = line[index] }
    let shrink = exp2f(most[row] - now)
    var total = sum[row] * shrink
    for index in 0..<Int(count) {
      line[index] = seen.contains(index) ? exp2f(line[index] - now) : 0
      total += line[index]
    }
    for step in 0..<filled { sums[row * filled + step] *= shrink }
    (most[row], sum[row]) = (now, total)
  }
}

private func combine(
  _ sums: UnsafePointer<Float>?, _ most: UnsafePointer<Float>?, _ sum: UnsafePointer<Float>?,
  _ parts: Int64, _ apart: Int64, _ depth: Int64, _ to: UnsafeMutablePointer<Float>?
) {
  guard let sums, let most, let sum, let to else { return }
  let apart = Int(apart)
  var now = most[0]
  for part in 1..<max(1, Int(parts)) { now = max(now, most[part * apart]) }
  var total: Float = 0
  for part in 0..<Int(parts) { total += exp2f(most[part * apart] - now) * sum[part * apart] }
  to.update(repeating: 0, count: Int(depth))
  for part in 0..<Int(parts) {
    let by = exp2f(most[part * apart] - now) / total
    for step in 0..<Int(depth) { to[step] += by * sums[part * apart + step] }
  }
}
