import CMicrokernels
import Quantities

// The inner loops in plain Swift, for every processor: 8 lanes, which a compiler splits or keeps
// as the target has it. `a * b + c` and not `addingProduct`: without FMA instructions the latter
// becomes a library call for each lane.

typealias PortableLanes = SIMD8<Float>
private typealias Lanes = PortableLanes
private let tileRows = 4
private let tileColumns = 8

/// How one element type is read.
protocol StoredElement {
  /// The bits of one element in memory.
  associatedtype Bits: FixedWidthInteger
  /// Exact.
  static func widen(_ bits: Bits) -> Float
  /// To the nearest.
  static func narrow(_ value: Float) -> Bits
  /// Eight elements as floats, from any address: exact.
  static func load(_ pointer: UnsafePointer<Bits>) -> PortableLanes
}

enum StoredFP32: StoredElement {
  @inline(__always) static func widen(_ bits: UInt32) -> Float { Float(bitPattern: bits) }
  @inline(__always) static func narrow(_ value: Float) -> UInt32 { value.bitPattern }
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt32>) -> PortableLanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }
}

enum StoredBF16: StoredElement {
  @inline(__always) static func widen(_ bits: UInt16) -> Float { BFloat16Bits.float(bits) }
  @inline(__always) static func narrow(_ value: Float) -> UInt16 { BFloat16Bits.bits(value) }
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt16>) -> PortableLanes {
    let bits = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<UInt16>.self)
    let wide = SIMD8<UInt32>(truncatingIfNeeded: bits) &<< 16
    return unsafeBitCast(wide, to: Lanes.self)
  }
}

enum StoredFP16: StoredElement {
  @inline(__always) static func widen(_ bits: UInt16) -> Float { Float16Bits.float(bits) }
  @inline(__always) static func narrow(_ value: Float) -> UInt16 { Float16Bits.bits(value) }
  /// As `Float16Bits.float`, eight at a time.
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt16>) -> PortableLanes {
    let bits = SIMD8<UInt32>(
      truncatingIfNeeded: UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<UInt16>.self))
    let rest = (bits & 0x7FFF) &<< 13
    let scaled = unsafeBitCast(
      unsafeBitCast(rest, to: Lanes.self) * Lanes(repeating: 0x1p112), to: SIMD8<UInt32>.self)
    let magnitude = scaled.replacing(with: rest | 0x7F80_0000, where: rest .>= 0x0F80_0000)
    return unsafeBitCast(magnitude | ((bits & 0x8000) &<< 16), to: Lanes.self)
  }
}

enum PortableMatmul {
  static func loops(_ precision: FloatFormat) -> hr_matmul_kernels {
    switch precision {
    case .fp32:
      table(
        4,
        multiply: { a, b, c, stride, steps, rows, columns, add, _ in
          portableMultiply(StoredFP32.self, a, b, c, stride, steps, rows, columns, add)
        },
        packA: { portablePackA(StoredFP32.self, $0, $1, $2, $3, $4) },
        packB: { portablePackB(StoredFP32.self, $0, $1, $2, $3, $4) })
    case .fp16:
      table(
        2,
        multiply: { a, b, c, stride, steps, rows, columns, add, _ in
          portableMultiply(StoredFP16.self, a, b, c, stride, steps, rows, columns, add)
        },
        packA: { portablePackA(StoredFP16.self, $0, $1, $2, $3, $4) },
        packB: { portablePackB(StoredFP16.self, $0, $1, $2, $3, $4) })
    case .bf16:
      table(
        2,
        multiply: { a, b, c, stride, steps, rows, columns, add, _ in
          portableMultiply(StoredBF16.self, a, b, c, stride, steps, rows, columns, add)
        },
        packA: { portablePackA(StoredBF16.self, $0, $1, $2, $3, $4) },
        packB: { portablePackB(StoredBF16.self, $0, $1, $2, $3, $4) })
    }
  }

  /// For products that are packed within the call: multiplied in fp32, however they are stored.
  static func gemm(_ a: Gemm.Element, _ b: Gemm.Element) -> hr_gemm_kernels {
    var kernels = hr_gemm_kernels()
    kernels.tile_rows = Int32(tileRows)
    kernels.tile_columns = Int32(tileColumns)
    kernels.step = 1
    kernels.multiply = loops(.fp32).multiply
    switch a {
    case .stored(.fp32), .rounded(to: .fp32): takeA(StoredFP32.self, &kernels)
    case .stored(.fp16): takeA(StoredFP16.self, &kernels)
    case .stored(.bf16): takeA(StoredBF16.self, &kernels)
    case .rounded(to: .fp16): takeA(RoundedFP16.self, &kernels)
    case .rounded(to: .bf16): takeA(RoundedBF16.self, &kernels)
    }
    switch b {
    case .stored(.fp32), .rounded(to: .fp32): takeB(StoredFP32.self, &kernels)
    case .stored(.fp16): takeB(StoredFP16.self, &kernels)
    case .stored(.bf16): takeB(StoredBF16.self, &kernels)
    case .rounded(to: .fp16): takeB(RoundedFP16.self, &kernels)
    case .rounded(to: .bf16): takeB(RoundedBF16.self, &kernels)
    }
    return kernels
  }

  private static func takeA(_: StoredFP32.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_a_rows = { portablePackA(StoredFP32.self, $0, $1, $2, $3, $4) }
    kernels.pack_a_columns = { portablePackColumns(StoredFP32.self, $0, $1, $2, $3, $4, $4) }
  }

  private static func takeB(_: StoredFP32.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_b_rows = { portablePackWide(StoredFP32.self, $0, $1, $2, $3, $4) }
    kernels.pack_b_columns = {
      portablePackColumns(
        StoredFP32.self, $0, $1, $2?.assumingMemoryBound(to: Float.self), $3, $4, Int32(tileColumns)
      )
    }
  }

  private static func takeA(_: StoredFP16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_a_rows = { portablePackA(StoredFP16.self, $0, $1, $2, $3, $4) }
    kernels.pack_a_columns = { portablePackColumns(StoredFP16.self, $0, $1, $2, $3, $4, $4) }
  }

  private static func takeB(_: StoredFP16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_b_rows = { portablePackWide(StoredFP16.self, $0, $1, $2, $3, $4) }
    kernels.pack_b_columns = {
      portablePackColumns(
        StoredFP16.self, $0, $1, $2?.assumingMemoryBound(to: Float.self), $3, $4, Int32(tileColumns)
      )
    }
  }

  private static func takeA(_: StoredBF16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_a_rows = { portablePackA(StoredBF16.self, $0, $1, $2, $3, $4) }
    kernels.pack_a_columns = { portablePackColumns(StoredBF16.self, $0, $1, $2, $3, $4, $4) }
  }

  private static func takeB(_: StoredBF16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_b_rows = { portablePackWide(StoredBF16.self, $0, $1, $2, $3, $4) }
    kernels.pack_b_columns = {
      portablePackColumns(
        StoredBF16.self, $0, $1, $2?.assumingMemoryBound(to: Float.self), $3, $4, Int32(tileColumns)
      )
    }
  }

  private static func takeA(_: RoundedFP16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_a_rows = { portablePackA(RoundedFP16.self, $0, $1, $2, $3, $4) }
    kernels.pack_a_columns = { portablePackColumns(RoundedFP16.self, $0, $1, $2, $3, $4, $4) }
  }

  private static func takeB(_: RoundedFP16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_b_rows = { portablePackWide(RoundedFP16.self, $0, $1, $2, $3, $4) }
    kernels.pack_b_columns = {
      portablePackColumns(
        RoundedFP16.self, $0, $1, $2?.assumingMemoryBound(to: Float.self), $3, $4,
        Int32(tileColumns))
    }
  }

  private static func takeA(_: RoundedBF16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_a_rows = { portablePackA(RoundedBF16.self, $0, $1, $2, $3, $4) }
    kernels.pack_a_columns = { portablePackColumns(RoundedBF16.self, $0, $1, $2, $3, $4, $4) }
  }

  private static func takeB(_: RoundedBF16.Type, _ kernels: inout hr_gemm_kernels) {
    kernels.pack_b_rows = { portablePackWide(RoundedBF16.self, $0, $1, $2, $3, $4) }
    kernels.pack_b_columns = {
      portablePackColumns(
        RoundedBF16.self, $0, $1, $2?.assumingMemoryBound(to: Float.self), $3, $4,
        Int32(tileColumns))
    }
  }
}

/// Numbers in fp32 that are rounded whenever they are read.
private enum RoundedFP16: StoredElement {
  @inline(__always) static func widen(_ bits: UInt32) -> Float {
    Float16Bits.float(Float16Bits.bits(Float(bitPattern: bits)))
  }
  @inline(__always) static func narrow(_ value: Float) -> UInt32 { value.bitPattern }
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt32>) -> PortableLanes {
    StoredFP32.load(pointer)
  }
}

private enum RoundedBF16: StoredElement {
  @inline(__always) static func widen(_ bits: UInt32) -> Float {
    BFloat16Bits.float(BFloat16Bits.bits(Float(bitPattern: bits)))
  }
  @inline(__always) static func narrow(_ value: Float) -> UInt32 { value.bitPattern }
  @inline(__always) static func load(_ pointer: UnsafePointer<UInt32>) -> PortableLanes {
    StoredFP32.load(pointer)
  }
}

/// `hr_gemm_kernels.pack_b_rows`
@inline(__always)
private func portablePackWide<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ to: UnsafeMutableRawPointer?,
  _ k: Int64, _ columns: Int32
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self),
    let to = to?.assumingMemoryBound(to: Float.self)
  else { return }
  for l in 0..<Int(k) {
    for column in 0..<tileColumns {
      to[l * tileColumns + column] =
        column < Int(columns) ? S.widen(from[column * Int(stride) + l]) : 0
    }
  }
}

/// `hr_gemm_kernels.pack_a_columns` and `pack_b_columns`: rows of `width` numbers, of which `count` are there.
@inline(__always)
private func portablePackColumns<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ to: UnsafeMutablePointer<Float>?,
  _ k: Int64, _ count: Int32, _ width: Int32
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let to else { return }
  for l in 0..<Int(k) {
    for column in 0..<Int(width) {
      to[l * Int(width) + column] =
        column < Int(count) ? S.widen(from[l * Int(stride) + column]) : 0
    }
  }
}

private typealias Multiply =
  @convention(c) (
    UnsafePointer<Float>?, UnsafeRawPointer?, UnsafeMutablePointer<Float>?, Int64, Int64, Int32,
    Int32, Int32, Int32
  ) -> Void

/// Portable steps are one k each.
private func table(
  _ stepBytes: Int32, multiply: @escaping Multiply,
  packA:
    @escaping @convention(c) (
      UnsafeRawPointer?, Int64, UnsafeMutablePointer<Float>?, Int64, Int32
    ) -> Void,
  packB:
    @escaping @convention(c) (
      UnsafeRawPointer?, Int64, UnsafeMutableRawPointer?, Int64, Int32
    ) -> Void
) -> hr_matmul_kernels {
  hr_matmul_kernels(
    tile_rows: Int32(tileRows), tile_columns: Int32(tileColumns), step: 1, step_bytes: stepBytes,
    a_step_bytes: 4,
    multiply: multiply, pack_a: packA, pack_b: packB)
}

/// `hr_matmul_kernels.multiply`
@inline(__always)
private func portableMultiply<S: StoredElement>(
  _: S.Type, _ a: UnsafePointer<Float>?, _ b: UnsafeRawPointer?, _ c: UnsafeMutablePointer<Float>?,
  _ cStride: Int64, _ steps: Int64, _ rows: Int32, _ columns: Int32, _ accumulate: Int32
) {
  guard let a, let c else { return }
  for index in 0..<(Int(rows) + tileRows - 1) / tileRows {
    let tile = Matmul.Blocking.tile(index, of: Int(rows), tileRows: tileRows)
    portableTile(
      S.self, a + tile.lowerBound * Int(steps), b, c + tile.lowerBound * Int(cStride), cStride,
      steps, Int32(tile.count), columns, accumulate)
  }
}

/// One tile of it.
@inline(__always)
private func portableTile<S: StoredElement>(
  _: S.Type, _ a: UnsafePointer<Float>?, _ b: UnsafeRawPointer?, _ c: UnsafeMutablePointer<Float>?,
  _ cStride: Int64, _ steps: Int64, _ rows: Int32, _ columns: Int32, _ accumulate: Int32
) {
  guard let a, let b = b?.assumingMemoryBound(to: S.Bits.self), let c else { return }
  let rows = Int(rows)
  var sums = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  if rows == 1 {
    for step in 0..<Int(steps) { sums.0 += S.load(b + step * tileColumns) * a[step] }
  } else {
    // Rows that are missing repeat the last one, and are not stored.
    let (row1, row2, row3) = (1, min(2, rows - 1), min(3, rows - 1))
    for step in 0..<Int(steps) {
      let y = S.load(b + step * tileColumns)
      let x = a + step * rows
      sums.0 += y * x[0]
      sums.1 += y * x[row1]
      sums.2 += y * x[row2]
      sums.3 += y * x[row3]
    }
  }
  withUnsafeBytes(of: &sums) { raw in
    let sums = raw.bindMemory(to: Float.self)
    for row in 0..<rows {
      let target = c + row * Int(cStride)
      for column in 0..<Int(columns) {
        let before = accumulate != 0 ? target[column] : 0
        target[column] = before + sums[row * tileColumns + column]
      }
    }
  }
}

/// `hr_matmul_kernels.pack_a`
@inline(__always)
private func portablePackA<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ to: UnsafeMutablePointer<Float>?,
  _ k: Int64, _ rows: Int32
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let to else { return }
  for l in 0..<Int(k) {
    for row in 0..<Int(rows) {
      to[l * Int(rows) + row] = S.widen(from[row * Int(stride) + l])
    }
  }
}

/// `hr_matmul_kernels.pack_b`
@inline(__always)
private func portablePackB<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ stride: Int64, _ to: UnsafeMutableRawPointer?,
  _ k: Int64, _ rows: Int32
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self),
    let to = to?.assumingMemoryBound(to: S.Bits.self)
  else { return }
  for l in 0..<Int(k) {
    for column in 0..<tileColumns {
      to[l * tileColumns + column] =
        column < Int(rows) ? from[column * Int(stride) + l] : 0
    }
  }
}
