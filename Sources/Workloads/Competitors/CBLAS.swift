/// The C interface of the basic linear algebra subprograms, as far as products of weights need it.
///
/// - Source: BLAS Technical Forum Standard (2001), annex B; the packed forms and those of 16 and 8 bits are oneMKL's.
enum CBLAS {
  static let rowMajor: Int32 = 101
  static let plain: Int32 = 111
  static let transposed: Int32 = 112
  static let packed: Int32 = 151
  static let matrixB: Int32 = 162
  static let fixedOffset: Int32 = 173

  /// order, a's and b's form, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc
  typealias Multiply =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafeRawPointer, Int32, UnsafeRawPointer,
      Int32, Float, UnsafeMutableRawPointer, Int32
    ) -> Void
  /// order, form, rows, columns, alpha, matrix, ld, x, step, beta, y, step
  typealias MultiplyVector =
    @convention(c) (
      Int32, Int32, Int32, Int32, Float, UnsafeRawPointer, Int32, UnsafeRawPointer, Int32, Float,
      UnsafeMutableRawPointer, Int32
    ) -> Void
  /// Of a packed b: order, a's and b's form, m, n, k, a, lda, b, ldb, beta, c, ldc
  typealias MultiplyPacked =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, UnsafeRawPointer, Int32, UnsafeRawPointer, Int32,
      Float, UnsafeMutableRawPointer, Int32
    ) -> Void
  /// which matrix, m, n, k
  typealias PackSize = @convention(c) (Int32, Int32, Int32, Int32) -> Int
  /// order, which matrix, form, m, n, k, alpha, from, ld, to
  typealias Pack =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafeRawPointer, Int32,
      UnsafeMutableRawPointer
    ) -> Void
  /// As `Pack`, without alpha: of 16-bit numbers and bytes
  typealias PackBytes =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, UnsafeRawPointer, Int32, UnsafeMutableRawPointer
    ) -> Void
  /// order, a's and b's form, c's offset's, m, n, k, alpha, a, lda, its offset, b, ldb, its offset,
  /// beta, c, ldc, its offset
  typealias MultiplyBytes =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafeRawPointer, Int32, Int8,
      UnsafeRawPointer, Int32, Int8, Float, UnsafeMutableRawPointer, Int32, UnsafePointer<Int32>
    ) -> Void
  typealias SetThreads = @convention(c) (Int32) -> Void
}
