import Quantities

/// Whole numbers times a scale: `w = (q − zero) · scale`.
///
/// `int8` without groups has a signed byte a weight and an fp32 scale a row, its largest magnitude
/// / 127 (Dettmers et al., "LLM.int8()", 2022), rows one after another.
///
/// With groups, 3, 4 or 8 bits, laid out as GPTQ checkpoints are (Frantar et al., "GPTQ", 2022, and
/// AutoGPTQ's second format): `qweight`, 32-bit words, in which each output's codes follow each
/// other along k, lowest bits first, as (k · bits / 32) × n; `scales`, fp16, (k / group) × n;
/// `qzeros`, where groups have zero points, those of a group in words as the codes, along n.
///
/// Or as AWQ checkpoints are (Lin et al., "AWQ", 2023, and AutoAWQ's GEMM form): `qweight` k × (n / 8)
/// words, each with the 4-bit codes of eight outputs, and `qzeros` (k / group) × (n / 8); from the
/// lowest bits up they are those of outputs 0, 2, 4, 6, 1, 3, 5, 7.
struct IntegerWeights: QuantizedWeights, @unchecked Sendable {
  let layout: Layout
  let start: UnsafeMutableRawPointer

  /// Where the regions lie.
  struct Layout {
    let bits: Int
    let rows: Int
    let columns: Int
    /// nil: a scale a row.
    let group: Int?
    let hasZeroPoint: Bool
    let packing: Packing

    init(_ format: WeightFormat, rows: Int, columns: Int) {
      bits = format.elementType == .int8 ? 8 : format.elementType == .int4 ? 4 : 3
      self.rows = rows
      self.columns = columns
      group = format.group
      hasZeroPoint = format.hasZeroPoint
      packing = format.packing
    }

    var groups: Int { columns / (group ?? columns) }
    /// Zero points of one group.
    var zeroWords: Int { (rows * bits + 31) / 32 }
    var scalesAt: Int {
      group == nil ? roundUp(rows * columns, to: 4) : (columns * bits + 31) / 32 * rows * 4
    }
    var zerosAt: Int { roundUp(scalesAt + groups * rows * 2, to: 4) }
    var bytes: Bytes {
      guard group != nil else { return Bytes(scalesAt + rows * 4) }
      return Bytes(hasZeroPoint ? zerosAt + groups * zeroWords * 4 : scalesAt + groups * rows * 2)
    }
    var top: Int { 1 << bits - 1 }
    /// In which word a code begins, and at which bit of it; `rows` words on it may end.
    func place(row: Int, column: Int) -> (word: Int, bit: Int) {
      switch packing {
      case .gptq: (column * bits / 32 * rows + row, column * bits % 32)
      case .awq: (column * (rows / 8) + row / 8, Self.awqBit(row))
      }
    }

    /// Likewise for the zero points of a group; the next word on they may end.
    func zeroPlace(row: Int) -> (word: Int, bit: Int) {
      switch packing {
      case .gptq: (row * bits / 32, row * bits % 32)
      case .awq: (row / 8, Self.awqBit(row))
      }
    }

    /// Outputs 0, 2, 4, 6, then 1, 3, 5, 7.
    private static func awqBit(_ row: Int) -> Int { 4 * (row % 8 / 2 + row % 2 * 4) }

    /// The code that stands for 0 where groups have no zero points.
    var middle: Int { 1 << (bits - 1) }
  }

  func quantize(_ row: (Int, UnsafeMutablePointer<Float>) -> Void) throws {
    // 127 times a rounded scale must be finite; scales of groups are in fp16.
    let limit: Float = layout.group == nil ? 0x1p127 : 65504
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: layout.columns) { buffer in
      guard let weights = buffer.baseAddress else { return }
      clearZeroPoints()
      for index in 0..<layout.rows {
        row(index, weights)
        try validate(weights, count: layout.columns, row: index, limit: limit, elementType)
        guard let group = layout.group else {
          storeRow(index, weights)
          continue
        }
        for part in 0..<layout.groups {
          let from = weights + part * group
          let grid = grid(BlockExtremes(from, count: group))
          setGrid(row: index, group: part, grid)
          for place in 0..<group {
            setCode(
              row: index, column: part * group + place, grid.code(from[place], top: layout.top))
          }
        }
      }
    }
  }

  /// Zero points of few outputs leave bits of their words that nothing else writes.
  func clearZeroPoints() {
    guard layout.hasZeroPoint else { return }
    (start + layout.zerosAt).initializeMemory(
      as: UInt8.self, repeating: 0, count: layout.groups * layout.zeroWords * 4)
  }

  /// The scale and zero point of some weights.
  ///
  /// Without zero points the range is the largest magnitude to both sides, else from the least
  /// weight or 0 to the greatest or 0, so that 0 has a code.
  func grid(_ extremes: BlockExtremes) -> Grid {
    let top = Float(layout.top)
    if layout.hasZeroPoint {
      let (least, greatest) = (min(0, extremes.least), max(0, extremes.greatest))
      let scale = SuperBlock.rounded((greatest - least) / top)
      let zero = (-least * inverse(scale)).rounded(.toNearestOrEven)
      return Grid(scale: scale, zero: Int(min(top, zero)))
    }
    return Grid(scale: SuperBlock.rounded(abs(extremes.largest) * 2 / top), zero: layout.middle)
  }

  /// The weights that a group's codes stand for.
  struct Grid {
    let scale: Float
    let zero: Int

    @inline(__always)
    func code(_ weight: Float, top: Int) -> Int {
      let steps = (weight * inverse(scale)).rounded(.toNearestOrEven)
      return Int(max(0, min(Float(top), steps + Float(zero))))
    }

    @inline(__always)
    func weight(_ code: Int) -> Float { Float(code - zero) * scale }
  }

  private func storeRow(_ row: Int, _ weights: UnsafePointer<Float>) {
    let scale = abs(BlockExtremes(weights, count: layout.columns).largest) / 127
    let factor = inverse(scale)
    for column in 0..<layout.columns {
      let code = Int8((weights[column] * factor).rounded(.toNearestOrEven))
      start.setByte(row * layout.columns + column, UInt8(bitPattern: code))
    }
    (start + layout.scalesAt).storeBytes(of: scale, toByteOffset: row * 4, as: Float.self)
  }

  func dequantize(row: Int, into weights: UnsafeMutablePointer<Float>) {
    guard let group = layout.group else {
      let scale = rowScale(row)
      for column in 0..<layout.columns {
        weights[column] = Float(rowCode(row, column) - 128) * scale
      }
      return
    }
    for part in 0..<layout.groups {
      let grid = grid(row: row, group: part)
      for column in part * group..<(part + 1) * group {
        weights[column] = grid.weight(code(row: row, column: column))
      }
    }
  }

  var panelFormat: PanelFormat {
    PanelFormat(
      elementType, group: layout.group ?? PanelFormat.rowGroup(layout.columns),
      isRow: layout.group == nil, hasZeroPoint: layout.hasZeroPoint)
  }

  func pack(
    row: Int, from: Int, count: Int, codes: UnsafeMutablePointer<UInt8>, column: Int,
    header: PanelHeader
  ) {
    guard let group = layout.group else {
      for index in 0..<count {
        codes[index] =
          from + index < layout.columns ? UInt8(rowCode(row, from + index)) : 128
      }
      header.set32(0, column, rowScale(row))
      return
    }
    for index in 0..<count { codes[index] = UInt8(code(row: row, column: from + index)) }
    let grid = grid(row: row, group: from / group)
    header.set16(0, column, Float16Bits.bits(grid.scale))
    if layout.hasZeroPoint { header.set8(after: 1, 0, column, UInt8(grid.zero)) }
  }

  var elementType: ElementType {
    layout.bits == 8 ? .int8 : layout.bits == 4 ? .int4 : .int3
  }

  /// 128 up.
  private func rowCode(_ row: Int, _ column: Int) -> Int {
    Int(UnsafeRawPointer(start).byte(row * layout.columns + column) ^ 0x80)
  }

  func rowScale(_ row: Int) -> Float {
    (start + layout.scalesAt).load(fromByteOffset: row * 4, as: Float.self)
  }
}

// What lies where in groups.
extension IntegerWeights {
  func code(row: Int, column: Int) -> Int {
    let place = layout.place(row: row, column: column)
    return bits(place.bit) {
      start.load(fromByteOffset: (place.word + $0 * layout.rows) * 4, as: UInt32.self)
    }
  }

  func setCode(row: Int, column: Int, _ code: Int) {
    let place = layout.place(row: row, column: column)
    setBits(code, place.bit) { start + (place.word + $0 * layout.rows) * 4 }
  }

  func grid(row: Int, group: Int) -> Grid {
    let scale = UnsafeRawPointer(start + layout.scalesAt).half((group * layout.rows + row) * 2)
    guard layout.hasZeroPoint else { return Grid(scale: scale, zero: layout.middle) }
    let place = layout.zeroPlace(row: row)
    let words = start + layout.zerosAt + group * layout.zeroWords * 4
    let zero = bits(place.bit) {
      words.load(fromByteOffset: (place.word + $0) * 4, as: UInt32.self)
    }
    return Grid(scale: scale, zero: zero)
  }

  func setGrid(row: Int, group: Int, _ grid: Grid) {
    (start + layout.scalesAt).setHalf((group * layout.rows + row) * 2, grid.scale)
    guard layout.hasZeroPoint else { return }
    let place = layout.zeroPlace(row: row)
    let words = start + layout.zerosAt + group * layout.zeroWords * 4
    setBits(grid.zero, place.bit) { words + (place.word + $0) * 4 }
  }

  /// A code that starts at a bit of a word, and may end in the next.
  @inline(__always)
  private func bits(_ shift: Int, _ word: (Int) -> UInt32) -> Int {
    var value = word(0) >> UInt32(shift)
    if shift + layout.bits > 32 { value |= word(1) << UInt32(32 - shift) }
    return Int(value) & layout.top
  }

  @inline(__always)
  private func setBits(_ value: Int, _ shift: Int, _ word: (Int) -> UnsafeMutableRawPointer) {
    let (mask, bits) = (UInt64(layout.top) << UInt64(shift), UInt64(value) << UInt64(shift))
    func set(_ place: Int, _ mask: UInt32, _ bits: UInt32) {
      let pointer = word(place)
      pointer.setWord(0, pointer.load(as: UInt32.self) & ~mask | bits)
    }
    set(0, UInt32(truncatingIfNeeded: mask), UInt32(truncatingIfNeeded: bits))
    if shift + layout.bits > 32 { set(1, UInt32(mask >> 32), UInt32(bits >> 32)) }
  }
}
