import CMicrokernels
import Quantities

// The inner loops in plain Swift, for every processor: 8 lanes, which a compiler splits or keeps
// as the target has it. `a * b + c` and not `addingProduct`: without FMA instructions the latter
// becomes a library call for each lane.

private typealias Lanes = SIMD8<Float>
private let tileRows = 4
private let tileColumns = 8
private let dotRows = 8

/// How one element type is read.
private protocol StoredElement {
  associatedtype Bits: FixedWidthInteger
  static func widen(_ bits: Bits) -> Float
  static func load(_ pointer: UnsafePointer<Bits>) -> Lanes
}

private enum StoredFP32: StoredElement {
  @inline(__always) static func widen(_ bits: UInt32) -> Float { Float(bitPattern: bits) }
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt32>) -> Lanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }
}

private enum StoredBF16: StoredElement {
  @inline(__always) static func widen(_ bits: UInt16) -> Float { BFloat16Bits.float(bits) }
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt16>) -> Lanes {
    let bits = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<UInt16>.self)
    let wide = SIMD8<UInt32>(truncatingIfNeeded: bits) &<< 16
    return unsafeBitCast(wide, to: Lanes.self)
  }
}

private enum StoredFP16: StoredElement {
  @inline(__always) static func widen(_ bits: UInt16) -> Float { Float16Bits.float(bits) }
  /// As `Float16Bits.float`, eight at a time.
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt16>) -> Lanes {
    let bits = SIMD8<UInt32>(
      truncatingIfNeeded: UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<UInt16>.self))
    let rest = (bits & 0x7FFF) &<< 13
    let scaled = unsafeBitCast(
      unsafeBitCast(rest, to: Lanes.self) * Lanes(repeating: 0x1p112), to: SIMD8<UInt32>.self)
    let magnitude = scaled.replacing(with: rest | 0x7F80_0000, where: rest .>= 0x0F80_0000)
    return unsafeBitCast(magnitude | ((bits & 0x8000) &<< 16), to: Lanes.self)
  }
}

extension Matmul {
  static func portableLoops(_ precision: ElementType) -> hr_matmul_kernels {
    switch precision {
    case .fp32:
      hr_matmul_kernels(
        tile_rows: Int32(tileRows), tile_columns: Int32(tileColumns), dot_rows: Int32(dotRows),
        tile: { portableTile(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6, $7) },
        dot: { portableDot(StoredFP32.self, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        pack_a: { portablePackA(StoredFP32.self, $0, $1, $2, $3, $4) },
        pack_b: { portablePackB(StoredFP32.self, $0, $1, $2, $3, $4) },
        widen: { portableWiden(StoredFP32.self, $0, $1, $2) })
    case .fp16:
      hr_matmul_kernels(
        tile_rows: Int32(tileRows), tile_columns: Int32(tileColumns), dot_rows: Int32(dotRows),
        tile: { portableTile(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6, $7) },
        dot: { portableDot(StoredFP16.self, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        pack_a: { portablePackA(StoredFP16.self, $0, $1, $2, $3, $4) },
        pack_b: { portablePackB(StoredFP16.self, $0, $1, $2, $3, $4) },
        widen: { portableWiden(StoredFP16.self, $0, $1, $2) })
    case .bf16:
      hr_matmul_kernels(
        tile_rows: Int32(tileRows), tile_columns: Int32(tileColumns), dot_rows: Int32(dotRows),
        tile: { portableTile(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6, $7) },
        dot: { portableDot(StoredBF16.self, $0, $1, $2, $3, $4, $5, $6, $7, $8) },
        pack_a: { portablePackA(StoredBF16.self, $0, $1, $2, $3, $4) },
        pack_b: { portablePackB(StoredBF16.self, $0, $1, $2, $3, $4) },
        widen: { portableWiden(StoredBF16.self, $0, $1, $2) })
    }
  }
}

/// `hr_matmul_kernels.tile`
@inline(__always)
private func portableTile<S: StoredElement>(
  _: S.Type, _ a: UnsafePointer<Float>?, _ b: UnsafeRawPointer?, _ c: UnsafeMutablePointer<Float>?,
  _ cStride: Int64, _ depth: Int64, _ rows: Int32, _ columns: Int32, _ accumulate: Int32
) {
  guard let a, let b = b?.assumingMemoryBound(to: S.Bits.self), let c else { return }
  var sums = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  for step in 0..<Int(depth) {
    let y = S.load(b + step * tileColumns)
    let x = a + step * tileRows
    sums.0 += y * x[0]
    sums.1 += y * x[1]
    sums.2 += y * x[2]
    sums.3 += y * x[3]
  }
  withUnsafeBytes(of: &sums) { raw in
    let sums = raw.bindMemory(to: Float.self)
    for row in 0..<Int(rows) {
      let target = c + row * Int(cStride)
      for column in 0..<Int(columns) {
        let before = accumulate != 0 ? target[column] : 0
        target[column] = before + sums[row * tileColumns + column]
      }
    }
  }
}

/// `hr_matmul_kernels.dot`
@inline(__always)
private func portableDot<S: StoredElement>(
  _: S.Type, _ a: UnsafePointer<Float>?, _ aStride: Int64, _ b: UnsafeRawPointer?,
  _ bStride: Int64, _ c: UnsafeMutablePointer<Float>?, _ cStride: Int64, _ depth: Int64,
  _ rows: Int32, _ columns: Int64
) {
  guard let a, let b = b?.assumingMemoryBound(to: S.Bits.self), let c else { return }
  let depth = Int(depth)
  let whole = depth / 8 * 8
  for column in 0..<Int(columns) {
    let y = b + column * Int(bStride)
    for row in 0..<Int(rows) {
      let x = a + row * Int(aStride)
      // Four sums at a time: one alone would wait for its own addition.
      var sums = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      var step = 0
      while step + 32 <= depth {
        sums.0 += S.load(y + step) * StoredFP32.load(x + step)
        sums.1 += S.load(y + step + 8) * StoredFP32.load(x + step + 8)
        sums.2 += S.load(y + step + 16) * StoredFP32.load(x + step + 16)
        sums.3 += S.load(y + step + 24) * StoredFP32.load(x + step + 24)
        step += 32
      }
      while step < whole {
        sums.0 += S.load(y + step) * StoredFP32.load(x + step)
        step += 8
      }
      var sum = ((sums.0 + sums.1) + (sums.2 + sums.3)).sum()
      while step < depth {
        sum += S.widen(y[step]) * x[step]
        step += 1
      }
      c[row * Int(cStride) + column] = sum
    }
  }
}

extension StoredFP32 {
  @inline(__always) fileprivate static func load(_ pointer: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }
}

/// `hr_matmul_kernels.pack_a`
@inline(__always)
private func portablePackA<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ to: UnsafeMutablePointer<Float>?,
  _ depth: Int64, _ rows: Int32
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let to else { return }
  for step in 0..<Int(depth) {
    for row in 0..<Int(rows) {
      to[step * tileRows + row] = S.widen(from[row * Int(stride) + step])
    }
  }
}

/// `hr_matmul_kernels.pack_b`
@inline(__always)
private func portablePackB<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ to: UnsafeMutableRawPointer?,
  _ depth: Int64, _ rows: Int32
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self),
    let to = to?.assumingMemoryBound(to: S.Bits.self)
  else { return }
  for step in 0..<Int(depth) {
    for column in 0..<tileColumns {
      to[step * tileColumns + column] =
        column < Int(rows) ? from[column * Int(stride) + step] : 0
    }
  }
}

/// `hr_matmul_kernels.widen`
@inline(__always)
private func portableWiden<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ to: UnsafeMutablePointer<Float>?, _ count: Int64
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let to else { return }
  for index in 0..<Int(count) { to[index] = S.widen(from[index]) }
}
