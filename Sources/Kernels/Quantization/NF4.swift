import Foundation
import Quantities

/// QLoRA's 4 bits: the nearest of sixteen levels, the quantiles of a normal distribution, times the
/// largest magnitude of each 64 weights; those magnitudes, less their mean, are stored in 8 bits
/// with an fp32 scale for each 256.
///
/// In memory: nibbles (the earlier weight in the high one), a byte a block of 64, the fp32 scales,
/// and the mean in fp32, rows one after another throughout, as bitsandbytes stores them.
/// - Source: Dettmers et al., "QLoRA" (2023), section 3 and appendix E.
struct NF4: QuantizedWeights, @unchecked Sendable {
  static let blockLength = 64
  private static let nestedLength = 256

  static let levels: [Float] = [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1,
  ]

  let start: UnsafeMutableRawPointer
  let rows: Int
  let columns: Int

  private var blocks: Int { rows * columns / Self.blockLength }
  private var nested: Int { (blocks + Self.nestedLength - 1) / Self.nestedLength }
  private var magnitudes: UnsafeMutableRawPointer { start + rows * columns / 2 }
  /// On a multiple of 4 bytes.
  private var scales: UnsafeMutablePointer<Float> {
    (start + roundUp(rows * columns / 2 + blocks, to: 4)).assumingMemoryBound(to: Float.self)
  }

  static func bytes(rows: Int, columns: Int) -> Bytes {
    let blocks = rows * columns / blockLength
    let nested = (blocks + nestedLength - 1) / nestedLength
    return Bytes(roundUp(rows * columns / 2 + blocks, to: 4) + 4 * nested + 4)
  }

  func quantize(_ row: (Int, UnsafeMutablePointer<Float>) -> Void) throws {
    let perRow = columns / Self.blockLength
    var largest = [Float](repeating: 0, count: blocks)
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { buffer in
      guard let weights = buffer.baseAddress else { return }
      for index in 0..<rows {
        row(index, weights)
        try validate(
          weights, count: columns, row: index, limit: .greatestFiniteMagnitude, .nf4)
        for block in 0..<perRow {
          let from = weights + block * Self.blockLength
          let magnitude = abs(BlockExtremes(from, count: Self.blockLength).largest)
          largest[index * perRow + block] = magnitude
          let factor = inverse(magnitude)
          let to = start + (index * columns + block * Self.blockLength) / 2
          for pair in 0..<Self.blockLength / 2 {
            let (first, second) = (from[2 * pair] * factor, from[2 * pair + 1] * factor)
            to.setByte(pair, Self.code(first) << 4 | Self.code(second))
          }
        }
      }
    }
    let mean = Float(largest.reduce(0.0) { $0 + Double($1) } / Double(max(1, blocks)))
    scales[nested] = mean
    for group in 0..<nested {
      let range = group * Self.nestedLength..<min(blocks, (group + 1) * Self.nestedLength)
      let scale = range.reduce(Float(0)) { max($0, abs(largest[$1] - mean)) }
      scales[group] = scale
      let factor = inverse(scale)
      for block in range {
        magnitudes.setByte(block, DynamicMap.code((largest[block] - mean) * factor))
      }
    }
  }

  func dequantize(row: Int, into weights: UnsafeMutablePointer<Float>) {
    for block in 0..<columns / Self.blockLength {
      let scale = scale(row: row, block: block)
      let from = start + (row * columns + block * Self.blockLength) / 2
      for pair in 0..<Self.blockLength / 2 {
        let both = UnsafeRawPointer(from).byte(pair)
        weights[block * Self.blockLength + 2 * pair] = Self.levels[Int(both >> 4)] * scale
        weights[block * Self.blockLength + 2 * pair + 1] = Self.levels[Int(both & 15)] * scale
      }
    }
  }

  func scale(row: Int, block: Int) -> Float {
    let index = row * (columns / Self.blockLength) + block
    let code = UnsafeRawPointer(magnitudes).byte(index)
    return DynamicMap.levels[Int(code)] * scales[index / Self.nestedLength] + scales[nested]
  }

  var panelFormat: PanelFormat { PanelFormat(.nf4, group: Self.blockLength) }

  func pack(
    row: Int, from: Int, count: Int, codes: UnsafeMutablePointer<UInt8>, column: Int,
    header: PanelHeader
  ) {
    let bytes = UnsafeRawPointer(start + (row * columns + from) / 2)
    for pair in 0..<count / 2 {
      codes[2 * pair] = bytes.byte(pair) >> 4
      codes[2 * pair + 1] = bytes.byte(pair) & 15
    }
    header.set32(0, column, scale(row: row, block: from / Self.blockLength))
  }

  /// The nearest level, of two as near the lower.
  @inline(__always)
  private static func code(_ value: Float) -> UInt8 {
    var code: UInt8 = 0
    for middle in middles where value > middle { code += 1 }
    return code
  }

  private static let middles = zip(levels, levels.dropFirst()).map { ($0 + $1) / 2 }
}

/// 8-bit levels from -1 to 1 that are spaced evenly within each decade, as bitsandbytes makes them:
/// the decade i of seven has 2^i levels of each sign, the middles of even steps from a tenth of
/// its end to its end; then 0 and 1.
///
/// - Source: Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (2022), section 2.
enum DynamicMap {
  static let levels: [Float] = {
    var levels: [Double] = [0, 1]
    for decade in 0..<7 {
      let count = 1 << decade
      for index in 0..<count {
        let middle = 0.1 + 0.9 * (Double(index) + 0.5) / Double(count)
        let level = middle * pow(10, Double(decade - 6))
        levels += [level, -level]
      }
    }
    return levels.sorted().map { Float($0) }
  }()

  /// The same from 0 to 1: without a sign there are twice as many in each decade.
  static let unsignedLevels: [Float] = {
    var levels: [Double] = [0, 1]
    for decade in 0..<7 {
      let count = 2 << decade
      for index in 0..<count {
        let middle = 0.1 + 0.9 * (Double(index) + 0.5) / Double(count)
        levels.append(middle * pow(10, Double(decade - 6)))
      }
    }
    return levels.sorted().map { Float($0) }
  }()

  private static let middles = zip(levels, levels.dropFirst()).map { ($0 + $1) / 2 }

  /// The nearest level.
  static func code(_ value: Float) -> UInt8 {
    var (low, high) = (0, middles.count)
    while low < high {
      let middle = (low + high) / 2
      if value > middles[middle] { low = middle + 1 } else { high = middle }
    }
    return UInt8(low)
  }
}
