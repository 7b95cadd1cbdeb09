import Quantities

/// A · Bᵀ by OpenBLAS, in fp32; weights as they lie.
final class OpenBLASProduct: LibraryProduct {
  let version: String
  let packedBytes = Bytes.zero
  let workspaceBytes = Bytes.zero
  private let shape: ProductShape
  private let threads: Int32
  private let setThreads: CBLAS.SetThreads
  private let multiply: CBLAS.Multiply
  private let multiplyVector: CBLAS.MultiplyVector
  private var memory: ProductMemory?

  init(_ shape: ProductShape, _ handle: ForeignLibrary.Handle, threads: Int) throws {
    guard shape.elements == .float(.fp32) else {
      throw ForeignLibrary.Absence(reason: "OpenBLAS multiplies fp32 only")
    }
    self.shape = shape
    self.threads = Int32(threads)
    setThreads = try handle.function("openblas_set_num_threads", as: CBLAS.SetThreads.self)
    multiply = try handle.function("cblas_sgemm", as: CBLAS.Multiply.self)
    multiplyVector = try handle.function("cblas_sgemv", as: CBLAS.MultiplyVector.self)
    let config = try handle.function(
      "openblas_get_config", as: (@convention(c) () -> UnsafePointer<CChar>?).self)
    version = config().map { String(cString: $0) } ?? "OpenBLAS"
  }

  func bind(_ memory: ProductMemory) throws {
    setThreads(threads)
    self.memory = memory
  }

  func run() {
    guard let memory else { return }
    let (m, n, k) = (Int32(shape.m), Int32(shape.n), Int32(shape.k))
    if m == 1 {
      multiplyVector(
        CBLAS.rowMajor, CBLAS.plain, n, k, 1, memory.b, k, memory.a, 1, 0, memory.c, 1)
    } else {
      multiply(
        CBLAS.rowMajor, CBLAS.plain, CBLAS.transposed, m, n, k, 1, memory.a, k, memory.b, k, 0,
        memory.c, n)
    }
  }
}
