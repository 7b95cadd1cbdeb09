import Quantities

// One token's key or value in plain Swift: what the loops of each instruction set are held against.

extension CacheLayout {
  /// Stores the key of one token and one head.
  ///
  /// - Parameters:
  ///   - key: head-dim numbers, which are rounded to the keys' type.
  ///   - token: its place in the page; the place in the block follows from it.
  ///   - block: the block that has this place, head-dim × width as `hr_cache_keys` says.
  package func storeKey(
    _ key: UnsafePointer<Float>, at token: Int, in block: UnsafeMutableRawPointer
  ) {
    let column = token % width
    switch keys {
    case .fp32, .fp16, .bf16:
      for index in 0..<headDim { keys.store(key[index], block, index * width + column) }
    case .q8_0, .q4_0:
      forEachGroup(of: key, keys) { group, scale, codes in
        let start = block + group * width * keys.groupBytes
        (start + 2 * column).storeBytes(of: scale, as: UInt16.self)
        let words = start + 2 * width + 4 * column
        for index in 0..<keys.groupBytes - 2 {
          words.setByte(index / 4 * width * 4 + index % 4, keys.byte(of: codes, index))
        }
      }
    }
  }

  func loadKey(at token: Int, from block: UnsafeMutableRawPointer) -> [Float] {
    let column = token % width
    switch keys {
    case .fp32, .fp16, .bf16:
      return (0..<headDim).map { keys.load(block, $0 * width + column) }
    case .q8_0, .q4_0:
      return (0..<headDim / 32).flatMap { group in
        let start = UnsafeRawPointer(block + group * width * keys.groupBytes)
        let words = start + 2 * width + 4 * column
        let bytes = (0..<keys.groupBytes - 2).map { words.byte($0 / 4 * width * 4 + $0 % 4) }
        return keys.numbers(bytes, scale: start.half(2 * column))
      }
    }
  }

  /// Stores the value of one token and one head.
  ///
  /// - Parameters:
  ///   - value: head-dim numbers, which are rounded to the values' type.
  ///   - token: its place in the page; the place in the block follows from it.
  ///   - block: the block that has this place, as `hr_cache_values` says.
  package func storeValue(
    _ value: UnsafePointer<Float>, at token: Int, in block: UnsafeMutableRawPointer
  ) {
    let row = token % width
    switch values {
    case .fp32, .fp16, .bf16:
      for column in 0..<headDim {
        values.store(value[column], block, valuePlace(row: row, column: column))
      }
    case .q8_0, .q4_0:
      forEachGroup(of: value, values) { group, scale, codes in
        (block + 2 * (group * width + row)).storeBytes(of: scale, as: UInt16.self)
        let start = block + valueCodes(row: row, group: group)
        for index in 0..<values.groupBytes - 2 {
          let byte = values.byte(of: codes, index)
          // The sign of q8_0's is in its place here.
          start.setByte(2 * index, values == .q8_0 ? byte ^ 0x80 : byte)
        }
      }
    }
  }

  func loadValue(at token: Int, from block: UnsafeMutableRawPointer) -> [Float] {
    let row = token % width
    switch values {
    case .fp32, .fp16, .bf16:
      return (0..<headDim).map { values.load(block, valuePlace(row: row, column: $0)) }
    case .q8_0, .q4_0:
      return (0..<headDim / 32).flatMap { group in
        let start = UnsafeRawPointer(block + valueCodes(row: row, group: group))
        let bytes = (0..<values.groupBytes - 2).map {
          values == .q8_0 ? start.byte(2 * $0) ^ 0x80 : start.byte(2 * $0)
        }
        return values.numbers(
          bytes, scale: UnsafeRawPointer(block).half(2 * (group * width + row)))
      }
    }
  }

  /// 64 columns of the head dimension lie together, token after token.
  func valuePlace(row: Int, column: Int) -> Int {
    let from = column / 64 * 64
    return from * width + row * min(64, paddedHeadDim - from) + column - from
  }

  /// A group's codes lie together: those of two tokens next to one another, byte by byte.
  func valueCodes(row: Int, group: Int) -> Int {
    let pair = 2 * (values.groupBytes - 2)
    return width * headDim / 32 * 2 + (group * width / 2 + row / 2) * pair + row % 2
  }

  private func forEachGroup(
    of numbers: UnsafePointer<Float>, _ type: CacheType,
    _ body: (_ group: Int, _ scale: UInt16, _ codes: UnsafePointer<UInt8>) -> Void
  ) {
    guard let format = type.elementType.blockFormat else { return }
    withUnsafeTemporaryAllocation(byteCount: format.blockBytes + 32, alignment: 2) { buffer in
      guard let block = buffer.baseAddress else { return }
      let codes = (block + format.blockBytes).bindMemory(to: UInt8.self, capacity: 32)
      for group in 0..<headDim / 32 {
        format.quantize(numbers + 32 * group, into: block)
        format.codes(block, into: codes)
        body(group, UnsafeRawPointer(block).halfBits(0), codes)
      }
    }
  }
}

extension CacheType {
  /// Of 32 numbers that share a scale, with it.
  fileprivate var groupBytes: Int { elementType.bytes(of: 32).count }

  @inline(__always)
  fileprivate func store(_ number: Float, _ start: UnsafeMutableRawPointer, _ index: Int) {
    switch self {
    case .fp32: start.assumingMemoryBound(to: Float.self)[index] = number
    case .fp16: start.assumingMemoryBound(to: UInt16.self)[index] = Float16Bits.bits(number)
    default: start.assumingMemoryBound(to: UInt16.self)[index] = BFloat16Bits.bits(number)
    }
  }

  @inline(__always)
  fileprivate func load(_ start: UnsafeMutableRawPointer, _ index: Int) -> Float {
    switch self {
    case .fp32: start.assumingMemoryBound(to: Float.self)[index]
    case .fp16: Float16Bits.float(start.assumingMemoryBound(to: UInt16.self)[index])
    default: BFloat16Bits.float(start.assumingMemoryBound(to: UInt16.self)[index])
    }
  }

  /// Byte `index` of a group's codes: two in one where they have 4 bits.
  fileprivate func byte(of codes: UnsafePointer<UInt8>, _ index: Int) -> UInt8 {
    self == .q8_0 ? codes[index] : codes[index] | codes[index + 16] << 4
  }

  /// What 32 numbers' bytes stand for.
  fileprivate func numbers(_ bytes: [UInt8], scale: Float) -> [Float] {
    let codes = self == .q8_0 ? bytes : bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }
    let zero = self == .q8_0 ? 128 : 8
    return codes.map { Float(Int($0) - zero) * scale }
  }
}
