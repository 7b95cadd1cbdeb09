/// A tensor as the header of its file describes it.
package struct SafetensorsTensor: Hashable, Sendable {
  /// It may be empty.
  package let name: String
  /// As the file has it.
  package let typeName: String
  package let shape: [Int]
  /// Elements: the product of the shape.
  package let count: Int
  /// Where its bytes lie in the file: row-major, little-endian.
  package let bytes: Range<Int>

  /// Nothing where the file names a type that is not known here.
  package var type: SafetensorsType? { SafetensorsType(rawValue: typeName) }
}
