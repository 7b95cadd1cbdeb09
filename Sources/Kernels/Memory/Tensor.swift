package import Quantities

/// Elements in row-major order, in memory that a ledger accounts for.
package final class Tensor: Sendable {
  package let elementType: ElementType
  package let shape: [Int]
  let allocation: Allocation
  private let offset: Int
  /// Scales included, wherever a format has them.
  package let bytes: Bytes

  /// Elements in memory that was allocated for them: `bytes` is all of the allocation, scales included.
  package init(_ elementType: ElementType, _ shape: [Int], _ allocation: Allocation) {
    self.elementType = elementType
    self.shape = shape
    self.allocation = allocation
    offset = 0
    bytes = allocation.bytes
  }

  /// Elements in a part of an arena.
  init(_ elementType: ElementType, _ shape: [Int], _ arena: Allocation, offset: Int) {
    self.elementType = elementType
    self.shape = shape
    allocation = arena
    self.offset = offset
    bytes = elementType.bytes(of: shape.reduce(1, *))
  }

  /// Some of the first dimension of another whose elements are stored by themselves.
  private init(_ other: Tensor, _ range: Range<Int>) {
    elementType = other.elementType
    shape = [range.count] + other.shape.dropFirst()
    allocation = other.allocation
    let each = other.shape.dropFirst().reduce(1, *)
    offset = other.offset + elementType.bytes(of: range.lowerBound * each).count
    bytes = elementType.bytes(of: range.count * each)
  }

  package var start: UnsafeMutableRawPointer { allocation.start + offset }
  /// Whether there is memory behind it, or only a plan.
  package var isPlan: Bool { allocation.isPlan }
  package var count: Int { shape.reduce(1, *) }
  /// The last dimension.
  package var columns: Int { shape.last ?? 1 }
  /// All dimensions but the last.
  package var rows: Int { shape.dropLast().reduce(1, *) }

  /// The first element, as a type that the caller knows elements to be stored as: nothing is checked.
  package func pointer<Element>(to type: Element.Type) -> UnsafeMutablePointer<Element> {
    start.assumingMemoryBound(to: type)
  }

  /// Some of the first dimension, where they are.
  package func slice(_ range: Range<Int>) -> Tensor { Tensor(self, range) }

  /// The same elements in another shape.
  package func shaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "as many elements in either shape")
    return Tensor(elementType, shape, allocation, offset: offset)
  }

  /// The memory of its first elements for other ones, whatever it holds.
  package func reused(for elementType: ElementType, _ shape: [Int]) -> Tensor {
    let other = Tensor(elementType, shape, allocation, offset: offset)
    precondition(other.bytes <= bytes, "other elements find room in a tensor's memory")
    return other
  }

  /// Where an element of a matrix lies.
  func pointer(row: Int, column: Int) -> UnsafeMutableRawPointer {
    start + elementType.bytes(of: row * columns + column).count
  }

  /// One element, whatever it is stored as.
  package subscript(index: Int) -> Float {
    switch elementType {
    case .fp32: pointer(to: Float.self)[index]
    case .fp16: Float16Bits.float(pointer(to: UInt16.self)[index])
    case .bf16: BFloat16Bits.float(pointer(to: UInt16.self)[index])
    case .int8: Float(pointer(to: Int8.self)[index])
    default: preconditionFailure("an element of \(elementType.rawValue) is not stored by itself")
    }
  }

  /// Stores one element, rounded to what the tensor holds.
  package func store(_ value: Float, at index: Int) {
    switch elementType {
    case .fp32: pointer(to: Float.self)[index] = value
    case .fp16: pointer(to: UInt16.self)[index] = Float16Bits.bits(value)
    case .bf16: pointer(to: UInt16.self)[index] = BFloat16Bits.bits(value)
    default: preconditionFailure("an element of \(elementType.rawValue) is not stored by itself")
    }
  }

  /// A stretch of elements in fp64, whatever they are stored as: exact.
  package func doubles(_ range: Range<Int>) -> [Double] {
    switch elementType {
    case .fp32:
      let values = pointer(to: Float.self)
      return range.map { Double(values[$0]) }
    case .fp16:
      let values = pointer(to: UInt16.self)
      return range.map { Double(Float16Bits.float(values[$0])) }
    case .bf16:
      let values = pointer(to: UInt16.self)
      return range.map { Double(BFloat16Bits.float(values[$0])) }
    default: return range.map { Double(self[$0]) }
    }
  }

  /// Fills with uniform values in [−1, 1), the same for the same seed; 16 bits round those next
  /// to 1 up to it.
  package func fillUniform(seed: UInt64) {
    guard !allocation.isPlan else { return }
    let mixed = hash32(UInt32(truncatingIfNeeded: seed >> 32), UInt32(truncatingIfNeeded: seed))
    let count = count
    switch elementType {
    case .fp32:
      let values = pointer(to: Float.self)
      for index in 0..<count { values[index] = uniform(mixed, index) }
    case .fp16:
      let values = pointer(to: UInt16.self)
      for index in 0..<count { values[index] = Float16Bits.bits(uniform(mixed, index)) }
    case .bf16:
      let values = pointer(to: UInt16.self)
      for index in 0..<count { values[index] = BFloat16Bits.bits(uniform(mixed, index)) }
    default: preconditionFailure("\(elementType.rawValue) is filled by quantizing")
    }
  }

  /// Whether all elements are; of those that are stored each by itself.
  package var isFinite: Bool { (0..<count).allSatisfy { self[$0].isFinite } }

  /// Fills with a value that no kernel writes, so that what was left unwritten is seen.
  package func fillNaN() {
    start.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes.count)
  }
}

extension MemoryLedger {
  /// The same bytes elsewhere.
  func copy(of allocation: Allocation, role: MemoryRole) throws -> Allocation {
    let copy = try allocate(allocation.bytes, role: role)
    if isPlan { return copy }
    copy.start.copyMemory(from: allocation.start, byteCount: allocation.bytes.count)
    return copy
  }

  /// The same elements elsewhere, contiguous; where memory is only planned nothing is copied.
  ///
  /// - Throws: `LedgerFault` where the copy does not fit.
  package func copy(of tensor: Tensor, role: MemoryRole) throws -> Tensor {
    let copy = Tensor(
      tensor.elementType, tensor.shape, try allocate(tensor.bytes, role: role))
    if isPlan { return copy }
    copy.start.copyMemory(from: tensor.start, byteCount: tensor.bytes.count)
    return copy
  }

  /// A tensor of zeros.
  ///
  /// - Throws: `LedgerFault` where it does not fit.
  package func tensor(_ elementType: ElementType, _ shape: [Int], _ role: MemoryRole) throws
    -> Tensor
  {
    let bytes = elementType.bytes(of: shape.reduce(1, *))
    return Tensor(elementType, shape, try allocate(bytes, role: role))
  }
}

/// A number of [−1, 1) in steps of 2⁻²³, which follows from the seed and the index alone.
@inline(__always)
package func uniform(_ seed: UInt32, _ index: Int) -> Float {
  // 24 bits are what a Float's significand holds.
  Float(Int32(truncatingIfNeeded: hash32(seed, UInt32(truncatingIfNeeded: index)) >> 8)) * 0x1p-23
    - 1
}
