import CMicrokernels
import Kernels
import Quantities

/// Rows of activations in 8 bits, for libraries that take bytes: their rounding is a part of the
/// call, as it is of ours.
struct RoundedRows {
  let scales: UnsafeMutablePointer<Float>
  let bytes: UnsafeMutablePointer<UInt8>
  private let shape: ProductShape
  private let zero: Int32

  /// - Parameter zero: the code that stands for 0; 0 for signed bytes.
  init(_ shape: ProductShape, at start: UnsafeMutableRawPointer, zero: Int32) {
    self.shape = shape
    self.zero = zero
    scales = start.assumingMemoryBound(to: Float.self)
    bytes = (start + Self.scaleBytes(shape)).assumingMemoryBound(to: UInt8.self)
  }

  private static func scaleBytes(_ shape: ProductShape) -> Int { roundUp(shape.m * 4, to: 64) }

  static func bytes(_ shape: ProductShape) -> Bytes {
    Bytes(scaleBytes(shape) + roundUp(shape.m * shape.k, to: 64))
  }

  func round(_ a: UnsafeRawPointer) {
    hr_bytes_of_rows(
      a.assumingMemoryBound(to: Float.self), Int64(shape.k), Int64(shape.m), zero, bytes, scales)
  }
  /// C's rows, where the library leaves their scales to its caller.
  func scale(_ c: UnsafeMutableRawPointer) {
    hr_scale_rows(
      c.assumingMemoryBound(to: Float.self), Int64(shape.m), Int64(shape.n), scales)
  }
}

/// Integer sums of a library, which its caller scales.
struct ProductSums {
  let start: UnsafeMutablePointer<Int32>
  private let shape: ProductShape

  init(_ shape: ProductShape, at start: UnsafeMutableRawPointer) {
    self.shape = shape
    self.start = start.assumingMemoryBound(to: Int32.self)
  }

  static func bytes(_ shape: ProductShape) -> Bytes { Bytes(shape.m * shape.n * 4) }

  func scale(
    rows: UnsafePointer<Float>, columns: UnsafeRawPointer?, to c: UnsafeMutableRawPointer
  ) {
    guard let columns else { return }
    hr_scale_products(
      start, Int64(shape.m), Int64(shape.n), rows, columns.assumingMemoryBound(to: Float.self),
      c.assumingMemoryBound(to: Float.self))
  }
}
