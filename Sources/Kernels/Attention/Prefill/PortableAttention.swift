import CMicrokernels
import Quantities

// What attention does around its products in plain Swift, for every processor: 8 lanes.

private typealias Lanes = SIMD8<Float>
private let columns = 8

enum PortableAttention {
  static func loops(_ precision: FloatFormat) -> hr_attention_kernels {
    switch precision {
    case .fp32:
      loops(
        packRows: { packRows(StoredFP32.self, $0, $1, $2, $3) },
        packValues: { packValues(StoredFP32.self, $0, $1, $2, $3, $4, $5) },
        attendRow: { attendRow(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6, $7) })
    case .fp16:
      loops(
        packRows: { packRows(StoredFP16.self, $0, $1, $2, $3) },
        packValues: { packValues(StoredFP16.self, $0, $1, $2, $3, $4, $5) },
        attendRow: { attendRow(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6, $7) })
    case .bf16:
      loops(
        packRows: { packRows(StoredBF16.self, $0, $1, $2, $3) },
        packValues: { packValues(StoredBF16.self, $0, $1, $2, $3, $4, $5) },
        attendRow: { attendRow(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6, $7) })
    }
  }

  private static func loops(
    packRows rows:
      @escaping @convention(c) (
        UnsafeRawPointer?, hr_rows, Int64, UnsafeMutablePointer<Float>?
      ) -> Void,
    packValues values:
      @escaping @convention(c) (
        UnsafeRawPointer?, Int64, Int64, Int64, Int32, UnsafeMutablePointer<Float>?
      ) -> Void,
    attendRow row:
      @escaping @convention(c) (
        UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, Int64, Int32, Int64, Float,
        UnsafeMutablePointer<Float>?
      ) -> Void
  ) -> hr_attention_kernels {
    hr_attention_kernels(
      columns: Int32(columns), lanes: Int32(columns), pack_rows: rows,
      pack_sums: { packRows(StoredFP32.self, $0, $1, $2, $3) }, pack_values: values,
      unpack_rows: { unpackRows($0, $1, $2, $3, $4) }, mask: { mask($0, $1, $2, $3) },
      softmax: { softmax($0, $1, $2, $3, $4, $5) }, scale: { scale($0, $1, $2, $3) },
      attend_row: row,
      exp2: { from, to, count in
        guard let from, let to else { return }
        for index in 0..<Int(count) { to[index] = exp2(Lanes(repeating: from[index]))[0] }
      })
  }
}

private func place(_ rows: hr_rows, _ row: Int) -> Int {
  let row = Int(rows.first) + row
  return row / Int(rows.group) * Int(rows.token_stride)
    + row % Int(rows.group) * Int(rows.head_stride)
}

private func packRows<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ rows: hr_rows, _ headDim: Int64,
  _ to: UnsafeMutablePointer<Float>?
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let to else { return }
  for column in 0..<columns {
    let row = from + place(rows, min(column, Int(rows.count) - 1))
    for index in 0..<Int(headDim) { to[index * columns + column] = S.widen(row[index]) }
  }
}

private func packValues<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ rows: Int64, _ headDim: Int64,
  _ tiles: Int32, _ to: UnsafeMutablePointer<Float>?
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let to else { return }
  let (rows, headDim, tiles) = (Int(rows), Int(headDim), Int(tiles))
  for index in 0..<tiles {
    let tile = index * headDim / tiles..<(index + 1) * headDim / tiles
    for row in 0..<rows {
      let place = to + tile.lowerBound * rows + row * tile.count
      for column in tile {
        place[column - tile.lowerBound] = S.widen(from[row * Int(stride) + column])
      }
    }
  }
}

private func attendRow<S: StoredElement>(
  _: S.Type, _ query: UnsafeRawPointer?, _ keys: UnsafeRawPointer?, _ values: UnsafeRawPointer?,
  _ stride: Int64, _ count: Int32, _ headDim: Int64, _ by: Float, _ to: UnsafeMutablePointer<Float>?
) {
  guard let query = query?.assumingMemoryBound(to: S.Bits.self),
    let keys = keys?.assumingMemoryBound(to: S.Bits.self),
    let values = values?.assumingMemoryBound(to: S.Bits.self), let to
  else { return }
  let (count, headDim, stride) = (Int(count), Int(headDim), Int(stride))
  let lanes = Lanes.scalarCount
  withUnsafeTemporaryAllocation(of: Lanes.self, capacity: (count + lanes - 1) / lanes) { weights in
    weights.initialize(repeating: Lanes(repeating: -.infinity))
    for key in 0..<count {
      var sum: Float = 0
      for index in 0..<headDim {
        sum += S.widen(query[index]) * S.widen(keys[key * stride + index])
      }
      weights[key / lanes][key % lanes] = sum * by
    }
    let maximum = weights.reduce(-.infinity) { max($0, $1.max()) }
    var total: Float = 0
    for index in weights.indices {
      weights[index] = exp2(weights[index] - maximum)
      total += weights[index].sum()
    }
    for index in 0..<headDim {
      var sum: Float = 0
      for key in 0..<count {
        sum += weights[key / lanes][key % lanes] * S.widen(values[key * stride + index])
      }
      to[index] = sum / total
    }
  }
}

private func unpackRows(
  _ from: UnsafePointer<Float>?, _ sum: UnsafePointer<Float>?, _ rows: hr_rows, _ headDim: Int64,
  _ to: UnsafeMutablePointer<Float>?
) {
  guard let from, let to else { return }
  for column in 0..<Int(rows.count) {
    let by = sum.map { 1 / $0[column] } ?? 1
    let row = to + place(rows, column)
    for index in 0..<Int(headDim) { row[index] = from[index * columns + column] * by }
  }
}

private func mask(
  _ scores: UnsafeMutablePointer<Float>?, _ ends: UnsafePointer<Int32>?,
  _ first: UnsafePointer<Int32>?, _ last: UnsafePointer<Int32>?
) {
  guard let scores, let ends, let first, let last else { return }
  for row in 0..<ends[0] {
    for column in 0..<columns where row < first[column] || row > last[column] {
      scores[Int(row) * columns + column] = -.infinity
    }
  }
}

private func load(_ pointer: UnsafePointer<Float>) -> Lanes {
  UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
}

private func store(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: Lanes.self)
}

private func softmax(
  _ scores: UnsafeMutablePointer<Float>?, _ ends: UnsafePointer<Int32>?, _ by: Float,
  _ maximum: UnsafeMutablePointer<Float>?, _ sum: UnsafeMutablePointer<Float>?,
  _ factor: UnsafeMutablePointer<Float>?
) {
  guard let scores, let ends, let maximum, let sum, let factor else { return }
  let rows = Int(ends[0])
  var top = load(scores)
  for row in 1..<rows {
    let one = load(scores + row * columns)
    top.replace(with: one, where: one .> top)
  }
  let before = load(maximum)
  var now = top * by
  now.replace(with: before, where: before .> now)
  let shrink = exp2(before - now)
  var total = load(sum) * shrink
  for row in 0..<rows {
    let weight = exp2(load(scores + row * columns) * by - now)
    store(weight, scores + row * columns)
    total += weight
  }
  store(now, maximum)
  store(shrink, factor)
  store(total, sum)
}

private func scale(
  _ sums: UnsafeMutablePointer<Float>?, _ headDim: Int64, _ factor: UnsafePointer<Float>?,
  _: Int32
) {
  guard let sums, let factor else { return }
  let by = load(factor)
  for index in 0..<Int(headDim) { store(load(sums + index * columns) * by, sums + index * columns) }
}

/// 2^x for x up to 0, by the polynomial of the vector loops; a NaN stays one.
private func exp2(_ given: Lanes) -> Lanes {
  let x = given.replacing(with: -127, where: given .< -127)
  // Adding 1.5 · 2²³ rounds to a whole number, which then stands in the lowest bits.
  let shifted = x + 0x1.8p23
  let f = x - (shifted - 0x1.8p23)
  var p = Lanes(repeating: 0x1.41fbbcp-13)
  p = p * f + 0x1.5f3e52p-10
  p = p * f + 0x1.3b2d4cp-7
  p = p * f + 0x1.c6aee8p-5
  p = p * f + 0x1.ebfbdcp-3
  p = p * f + 0x1.62e43p-1
  p = p * f + 1
  let power = (unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< 23) &+ 0x3F80_0000
  return p * unsafeBitCast(power, to: Lanes.self)
}
