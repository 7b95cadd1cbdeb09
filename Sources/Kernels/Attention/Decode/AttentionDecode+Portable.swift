import CMicrokernels
import Glibc

// The loops of a step of decoding in plain Swift, for every processor.

extension AttentionDecode {
  static func portableKeys(_ type: CacheType) -> hr_cache_keys {
    switch type {
    case .fp32:
      keys(
        scores: { scores(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6) },
        store: { store(.fp32, $0, $1, $2, $3, $4, isKey: true) })
    case .fp16:
      keys(
        scores: { scores(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6) },
        store: { store(.fp16, $0, $1, $2, $3, $4, isKey: true) })
    case .bf16:
      keys(
        scores: { scores(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6) },
        store: { store(.bf16, $0, $1, $2, $3, $4, isKey: true) })
    case .q8_0:
      keys(
        scores: { codedScores(.q8_0, $0, $1, $2, $3, $4, $5, $6) },
        store: { store(.q8_0, $0, $1, $2, $3, $4, isKey: true) })
    case .q4_0:
      keys(
        scores: { codedScores(.q4_0, $0, $1, $2, $3, $4, $5, $6) },
        store: { store(.q4_0, $0, $1, $2, $3, $4, isKey: true) })
    }
  }

  static func portableValues(_ type: CacheType) -> hr_cache_values {
    switch type {
    case .fp32:
      hr_cache_values(
        add: { add(StoredFP32.self, $0, $2, $3, $4, $5, $6, $7) },
        store: { store(.fp32, $0, $1, $2, $3, $4, isKey: false) })
    case .fp16:
      hr_cache_values(
        add: { add(StoredFP16.self, $0, $2, $3, $4, $5, $6, $7) },
        store: { store(.fp16, $0, $1, $2, $3, $4, isKey: false) })
    case .bf16:
      hr_cache_values(
        add: { add(StoredBF16.self, $0, $2, $3, $4, $5, $6, $7) },
        store: { store(.bf16, $0, $1, $2, $3, $4, isKey: false) })
    case .q8_0:
      hr_cache_values(
        add: { addCoded(.q8_0, $0, $1, $2, $3, $4, $5, $6, $7) },
        store: { store(.q8_0, $0, $1, $2, $3, $4, isKey: false) })
    case .q4_0:
      hr_cache_values(
        add: { addCoded(.q4_0, $0, $1, $2, $3, $4, $5, $6, $7) },
        store: { store(.q4_0, $0, $1, $2, $3, $4, isKey: false) })
    }
  }

  static let portableStep = hr_decode_loops(
    soften: { soften($0, $1, $2, $3, $4, $5, $6, $7, $8, $9) },
    combine: { combine($0, $1, $2, $3, $4, $5, $6) })

  /// Queries stay as they are, whatever the keys are stored as.
  private static func keys(
    scores:
      @escaping @convention(c) (
        UnsafeRawPointer?, Int32, Int64, UnsafeRawPointer?, Int32, UnsafeMutablePointer<Float>?,
        Int64
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
  _: S.Type, _ block: UnsafeRawPointer?, _ width: Int32, _ depth: Int64,
  _ queries: UnsafeRawPointer?, _ rows: Int32, _ to: UnsafeMutablePointer<Float>?, _ stride: Int64
) {
  guard let block = block?.assumingMemoryBound(to: S.Bits.self),
    let queries = queries?.assumingMemoryBound(to: Float.self), let to
  else { return }
  let (width, depth) = (Int(width), Int(depth))
  for row in 0..<Int(rows) {
    for column in Swift.stride(from: 0, to: width, by: 8) {
      var sum = PortableLanes.zero
      for step in 0..<depth {
        sum += S.load(block + step * width + column) * queries[row * depth + step]
      }
      UnsafeMutableRawPointer(to + row * Int(stride) + column)
        .storeBytes(of: sum, as: PortableLanes.self)
    }
  }
}

/// Keys as numbers, token by token.
private func codedScores(
  _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ depth: Int64,
  _ queries: UnsafeRawPointer?, _ rows: Int32, _ to: UnsafeMutablePointer<Float>?, _ stride: Int64
) {
  guard let block, let queries = queries?.assumingMemoryBound(to: Float.self), let to else {
    return
  }
  let layout = CacheLayout(type, depth: Int(depth), width: Int(width))
  for token in 0..<Int(width) {
    let key = layout.loadKey(at: token, from: UnsafeMutableRawPointer(mutating: block))
    for row in 0..<Int(rows) {
      var sum: Float = 0
      for (step, number) in key.enumerated() { sum += number * queries[row * Int(depth) + step] }
      to[row * Int(stride) + token] = sum
    }
  }
}

private func add<S: StoredElement>(
  _: S.Type, _ block: UnsafeRawPointer?, _ tokens: Int32, _ depth: Int64,
  _ weights: UnsafePointer<Float>?, _ stride: Int64, _ rows: Int32,
  _ sums: UnsafeMutablePointer<Float>?
) {
  guard let block = block?.assumingMemoryBound(to: S.Bits.self), let weights, let sums else {
    return
  }
  let filled = roundUp(Int(depth), to: 16)
  for row in 0..<Int(rows) {
    for column in Swift.stride(from: 0, to: filled, by: 8) {
      let place = UnsafeMutableRawPointer(sums + row * filled + column)
      var sum = place.loadUnaligned(as: PortableLanes.self)
      for token in 0..<Int(tokens) {
        sum += S.load(block + token * filled + column) * weights[row * Int(stride) + token]
      }
      place.storeBytes(of: sum, as: PortableLanes.self)
    }
  }
}

/// Values as numbers, token by token.
private func addCoded(
  _ type: CacheType, _ block: UnsafeRawPointer?, _ width: Int32, _ tokens: Int32, _ depth: Int64,
  _ weights: UnsafePointer<Float>?, _ stride: Int64, _ rows: Int32,
  _ sums: UnsafeMutablePointer<Float>?
) {
  guard let block, let weights, let sums else { return }
  let layout = CacheLayout(type, depth: Int(depth), width: Int(width))
  for token in 0..<Int(tokens) {
    let value = layout.loadValue(at: token, from: UnsafeMutableRawPointer(mutating: block))
    for row in 0..<Int(rows) {
      let weight = weights[row * Int(stride) + token]
      for (step, number) in value.enumerated() { sums[row * Int(depth) + step] += weight * number }
    }
  }
}

private func store(
  _ type: CacheType, _ from: UnsafePointer<Float>?, _ depth: Int64, _ width: Int32, _ token: Int32,
  _ block: UnsafeMutableRawPointer?, isKey: Bool
) {
  guard let from, let block else { return }
  let layout = CacheLayout(type, depth: Int(depth), width: Int(width))
  let numbers = Array(UnsafeBufferPointer(start: from, count: Int(depth)))[...]
  if isKey {
    layout.storeKey(numbers, at: Int(token), in: block)
  } else {
    layout.storeValue(numbers, at: Int(token), in: block)
  }
}

extension CacheLayout {
  /// Of one block of one head.
  fileprivate init(_ type: CacheType, depth: Int, width: Int) {
    self.init(kvHeads: 1, headDim: depth, keys: type, values: type, pageTokens: width)
  }
}

private func soften(
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
  let parts = (0..<Int(parts)).map { $0 * Int(apart) }
  let now = parts.map { most[$0] }.max() ?? 0
  let total = parts.reduce(Float(0)) { $0 + exp2f(most[$1] - now) * sum[$1] }
  for step in 0..<Int(depth) {
    to[step] = parts.reduce(0) { $0 + exp2f(most[$1] - now) / total * sums[$1 + step] }
  }
}
