/// What a tensor's elements are read as: each of them exactly, or not at all.
package protocol TensorValue: BitwiseCopyable, Sendable {
  /// The type whose elements are stored as this is.
  static var storedType: SafetensorsType { get }

  /// The types all of whose elements are values of this one.
  static var holds: Set<SafetensorsType> { get }

  /// Makes a value of each element in `bytes`, which are little-endian and of one of the types that this holds.
  static func widen(
    _ bytes: UnsafeRawBufferPointer, of type: SafetensorsType,
    into values: UnsafeMutableBufferPointer<Self>)
}

extension Float: TensorValue {
  package static let storedType = SafetensorsType.f32
  package static let holds: Set<SafetensorsType> = [.f32, .f16, .bf16, .i16, .u16, .i8, .u8]

  package static func widen(
    _ bytes: UnsafeRawBufferPointer, of type: SafetensorsType,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    switch type {
    case .f32: fill(values, bytes) { (bits: UInt32) in Float(bitPattern: bits) }
    case .f16: fill(values, bytes) { (bits: UInt16) in float(half: bits) }
    case .bf16: fill(values, bytes) { (bits: UInt16) in float(upperHalf: bits) }
    case .i16: fill(values, bytes) { (whole: Int16) in Float(whole) }
    case .u16: fill(values, bytes) { (whole: UInt16) in Float(whole) }
    case .i8: fill(values, bytes) { (whole: Int8) in Float(whole) }
    case .u8: fill(values, bytes) { (whole: UInt8) in Float(whole) }
    default: preconditionFailure("Float does not hold \(type)")
    }
  }
}

extension Double: TensorValue {
  package static let storedType = SafetensorsType.f64
  package static let holds = Float.holds.union([.f64, .i32, .u32])

  package static func widen(
    _ bytes: UnsafeRawBufferPointer, of type: SafetensorsType,
    into values: UnsafeMutableBufferPointer<Double>
  ) {
    switch type {
    case .f64: fill(values, bytes) { (bits: UInt64) in Double(bitPattern: bits) }
    case .f32: fill(values, bytes) { (bits: UInt32) in Double(Float(bitPattern: bits)) }
    case .f16: fill(values, bytes) { (bits: UInt16) in Double(float(half: bits)) }
    case .bf16: fill(values, bytes) { (bits: UInt16) in Double(float(upperHalf: bits)) }
    case .i32: fill(values, bytes) { (whole: Int32) in Double(whole) }
    case .u32: fill(values, bytes) { (whole: UInt32) in Double(whole) }
    case .i16: fill(values, bytes) { (whole: Int16) in Double(whole) }
    case .u16: fill(values, bytes) { (whole: UInt16) in Double(whole) }
    case .i8: fill(values, bytes) { (whole: Int8) in Double(whole) }
    case .u8: fill(values, bytes) { (whole: UInt8) in Double(whole) }
    default: preconditionFailure("Double does not hold \(type)")
    }
  }
}

extension Int64: TensorValue {
  package static let storedType = SafetensorsType.i64
  package static let holds: Set<SafetensorsType> = [
    .i64, .i32, .u32, .i16, .u16, .i8, .u8, .bool,
  ]

  package static func widen(
    _ bytes: UnsafeRawBufferPointer, of type: SafetensorsType,
    into values: UnsafeMutableBufferPointer<Int64>
  ) {
    switch type {
    case .i64: fill(values, bytes) { (whole: Int64) in whole }
    case .i32: fill(values, bytes) { (whole: Int32) in Int64(whole) }
    case .u32: fill(values, bytes) { (whole: UInt32) in Int64(whole) }
    case .i16: fill(values, bytes) { (whole: Int16) in Int64(whole) }
    case .u16: fill(values, bytes) { (whole: UInt16) in Int64(whole) }
    case .i8: fill(values, bytes) { (whole: Int8) in Int64(whole) }
    case .u8, .bool: fill(values, bytes) { (whole: UInt8) in Int64(whole) }
    default: preconditionFailure("Int64 does not hold \(type)")
    }
  }
}

/// A loop for each pair of types, with nothing called in it.
@inline(__always)
private func fill<Stored: FixedWidthInteger & BitwiseCopyable, Value>(
  _ values: UnsafeMutableBufferPointer<Value>, _ bytes: UnsafeRawBufferPointer,
  _ value: (Stored) -> Value
) {
  precondition(bytes.count == values.count * MemoryLayout<Stored>.size, "a value for each element")
  for index in 0..<values.count {
    let stored = bytes.loadUnaligned(
      fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
    values[index] = value(Stored(littleEndian: stored))
  }
}

/// IEEE 754 binary16.
@inline(__always)
private func float(half bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let rest = UInt32(bits & 0x7FFF) << 13
  // Swift's Float16 calls a library routine on baseline x86-64. The multiplication moves the exponent's
  // bias from 15 to 127, subnormal numbers included; infinities and NaNs need the top exponent.
  let scaled = Float(bitPattern: rest) * 0x1p112
  let magnitude = rest >= 0x0F80_0000 ? (rest | 0x7F80_0000) : scaled.bitPattern
  return Float(bitPattern: sign | magnitude)
}

/// bfloat16: the upper half of a binary32.
@inline(__always)
private func float(upperHalf bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
