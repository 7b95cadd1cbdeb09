package import CMicrokernels
package import Quantities

/// A way of storing weights in blocks of a fixed length along a row, each with scales of its own.
///
/// A block is parts of 16 or 32 weights. A weight is `level(code) · scale + low` of its part, the
/// product and the sum rounded to fp32 one after the other.
package protocol BlockFormat: SendableMetatype {
  /// The type whose blocks these are.
  static var elementType: ElementType { get }
  /// What C's list of formats says of it.
  static var facts: hr_quantized_format { get }
  /// Weights of a part, which share a scale: 32 unless a format says otherwise.
  static var partLength: Int { get }

  /// Stores one block. The weights are finite, and no scale is beyond fp16.
  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer)
  /// Reads a block's codes, a byte each, in the order of its weights.
  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>)
  /// The scale of a block's `index`-th part, and its minimum where it has one: products with those of the
  /// block, where parts' own are whole numbers.
  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart
  /// What a code stands for before it is scaled: its distance from `zero`, unless a format has a table.
  static func level(_ code: UInt8) -> Float
  /// The block's scales in the header of a panel's group, as `CMicrokernels.h` lays it out.
  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader)
}

/// What makes weights of a part's levels: `weight = level · scale + low`.
package struct BlockPart {
  package var scale: Float
  package var low: Float = 0
}

extension BlockFormat {
  package static var blockLength: Int { Int(facts.block_weights) }
  package static var blockBytes: Int { Int(facts.block_bytes) }
  /// Bits of a code.
  package static var bits: Int { Int(facts.bits) }
  /// The code that stands for 0; nil where parts have minima of their own.
  package static var zero: Int? { facts.zero == 0 ? nil : Int(facts.zero) }

  package static var partLength: Int { 32 }
  package static func level(_ code: UInt8) -> Float { Float(Int(code) - (zero ?? 0)) }

  /// One block's weights.
  package static func dequantize(
    _ block: UnsafeRawPointer, into weights: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: blockLength) { buffer in
      guard let codes = buffer.baseAddress else { return }
      self.codes(block, into: codes)
      for index in 0..<blockLength / partLength {
        let part = part(block, index)
        for place in index * partLength..<(index + 1) * partLength {
          // Constant zero points have no sum, which would turn -0 into 0.
          let product = level(codes[place]) * part.scale
          weights[place] = zero == nil ? product + part.low : product
        }
      }
    }
  }
}

extension ElementType {
  /// The format of blocks; nil for plain numbers, and for those that are not stored block by block.
  package var blockFormat: (any BlockFormat.Type)? {
    switch self {
    case .q8_0: Q8_0.self
    case .q4_0: Q4_0.self
    case .q4_1: Q4_1.self
    case .q5_0: Q5_0.self
    case .q5_1: Q5_1.self
    case .q2_k: Q2K.self
    case .q3_k: Q3K.self
    case .q4_k: Q4K.self
    case .q5_k: Q5K.self
    case .q6_k: Q6K.self
    case .iq4_nl: IQ4NL.self
    case .fp32, .fp16, .bf16, .nf4, .int8, .int4, .int3: nil
    }
  }
}

/// The header of a panel's group: rows of one value a column.
package struct PanelHeader {
  let start: UnsafeMutableRawPointer
  let columns: Int

  /// The header of `columns` outputs that begins at `start`.
  package init(start: UnsafeMutableRawPointer, columns: Int) {
    self.start = start
    self.columns = columns
  }

  /// A 16-bit value in the `row`-th row of 16-bit values.
  func set16(_ row: Int, _ column: Int, _ bits: UInt16) {
    (start + (row * columns + column) * 2).storeBytes(of: bits, as: UInt16.self)
  }

  /// A 32-bit value in the `row`-th row of those.
  func set32(_ row: Int, _ column: Int, _ value: Float) {
    (start + (row * columns + column) * 4).storeBytes(of: value, as: Float.self)
  }

  /// A byte in the `row`-th row of bytes after `halves` rows of 16-bit values.
  func set8(after halves: Int, _ row: Int, _ column: Int, _ byte: UInt8) {
    (start + (halves * 2 + row) * columns + column).storeBytes(of: byte, as: UInt8.self)
  }
}

extension UnsafeRawPointer {
  func half(_ offset: Int) -> Float { Float16Bits.float(halfBits(offset)) }
  func halfBits(_ offset: Int) -> UInt16 { loadUnaligned(fromByteOffset: offset, as: UInt16.self) }
  func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
  func word(_ offset: Int) -> UInt32 { loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
}

extension UnsafeMutableRawPointer {
  /// Rounds to fp16, to the nearest, ties to even.
  func setHalf(_ offset: Int, _ value: Float) {
    storeBytes(of: Float16Bits.bits(value), toByteOffset: offset, as: UInt16.self)
  }
  func setByte(_ offset: Int, _ byte: UInt8) {
    storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }
  func setWord(_ offset: Int, _ word: UInt32) {
    storeBytes(of: word, toByteOffset: offset, as: UInt32.self)
  }
}
