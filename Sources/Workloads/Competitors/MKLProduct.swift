import CMicrokernels
import Quantities

/// A · Bᵀ by oneMKL; weights packed, where it has a form of them.
///
/// - Source: Intel, "oneMKL Developer Reference": cblas_sgemv, cblas_gemm_*_pack, _compute.
final class MKLProduct: LibraryProduct {
  let version: String
  let packedBytes: Bytes
  let workspaceBytes: Bytes
  private let shape: ProductShape
  private let threads: Int32
  private let handle: ForeignLibrary.Handle
  private var call: () -> Void = {}

  init(_ shape: ProductShape, _ handle: ForeignLibrary.Handle, threads: Int) throws {
    self.shape = shape
    self.threads = Int32(threads)
    self.handle = handle
    version = try Self.version(handle)
    if shape.m == 1, shape.elements == .float(.fp32) {
      // Its product of a matrix and a vector reads weights as they lie.
      packedBytes = .zero
    } else {
      let size = try handle.function(
        Self.name(shape) + "_pack_get_size", as: CBLAS.PackSize.self)
      packedBytes = Bytes(
        size(CBLAS.matrixB, Int32(shape.m), Int32(shape.n), Int32(shape.k)))
    }
    workspaceBytes =
      shape.elements == .bytes ? RoundedRows.bytes(shape) + ProductSums.bytes(shape) : .zero
  }

  func bind(_ memory: ProductMemory) throws {
    // MKL would take one thread for two processors that share a core.
    try handle.function("MKL_Set_Dynamic", as: CBLAS.SetThreads.self)(0)
    try handle.function("MKL_Set_Num_Threads", as: CBLAS.SetThreads.self)(threads)
    call =
      switch shape.elements {
      case .bytes: try bytes(memory)
      case .float(.fp32) where shape.m == 1: try vector(memory)
      case .float(.fp32): try single(memory)
      case .float: try half(memory)
      }
  }

  func run() { call() }

  private static func name(_ shape: ProductShape) -> String {
    switch shape.elements {
    case .float(.fp32): "cblas_sgemm"
    case .float(.fp16): "cblas_gemm_f16f16f32"
    case .float(.bf16): "cblas_gemm_bf16bf16f32"
    case .bytes: "cblas_gemm_s8u8s32"
    }
  }

  private func function<F>(_ suffix: String, as type: F.Type) throws -> F {
    try handle.function(Self.name(shape) + suffix, as: type)
  }

  private var sizes: (m: Int32, n: Int32, k: Int32) {
    (Int32(shape.m), Int32(shape.n), Int32(shape.k))
  }

  private func vector(_ memory: ProductMemory) throws -> () -> Void {
    let (_, n, k) = sizes
    let multiply = try handle.function("cblas_sgemv", as: CBLAS.MultiplyVector.self)
    return {
      multiply(CBLAS.rowMajor, CBLAS.plain, n, k, 1, memory.b, k, memory.a, 1, 0, memory.c, 1)
    }
  }

  private func single(_ memory: ProductMemory) throws -> () -> Void {
    let (m, n, k) = sizes
    guard let packed = memory.packed else { return {} }
    let pack = try function("_pack", as: CBLAS.Pack.self)
    pack(CBLAS.rowMajor, CBLAS.matrixB, CBLAS.transposed, m, n, k, 1, memory.b, k, packed)
    let multiply = try function("_compute", as: CBLAS.MultiplyPacked.self)
    return {
      multiply(
        CBLAS.rowMajor, CBLAS.plain, CBLAS.packed, m, n, k, memory.a, k, packed, k, 0, memory.c, n)
    }
  }

  private func packed(_ memory: ProductMemory) throws -> UnsafeMutableRawPointer? {
    let (m, n, k) = sizes
    guard let packed = memory.packed else { return nil }
    let pack = try function("_pack", as: CBLAS.PackBytes.self)
    pack(CBLAS.rowMajor, CBLAS.matrixB, CBLAS.transposed, m, n, k, memory.b, k, packed)
    return packed
  }

  private func half(_ memory: ProductMemory) throws -> () -> Void {
    let (m, n, k) = sizes
    guard let packed = try packed(memory) else { return {} }
    let multiply = try function("_compute", as: CBLAS.Multiply.self)
    return {
      multiply(
        CBLAS.rowMajor, CBLAS.plain, CBLAS.packed, m, n, k, 1, memory.a, k, packed, k, 0,
        memory.c, n)
    }
  }

  private func bytes(_ memory: ProductMemory) throws -> () -> Void {
    let (m, n, k) = sizes
    guard let packed = try packed(memory), let workspace = memory.workspace else { return {} }
    // Row-major, A is unsigned: 128 stands for 0, which the offset takes away.
    let rows = RoundedRows(shape, at: workspace, zero: 128)
    let sums = ProductSums(shape, at: workspace + RoundedRows.bytes(shape).count)
    let multiply = try function("_compute", as: CBLAS.MultiplyBytes.self)
    return {
      rows.round(memory.a)
      var none: Int32 = 0
      multiply(
        CBLAS.rowMajor, CBLAS.plain, CBLAS.packed, CBLAS.fixedOffset, m, n, k, 1, rows.bytes, k,
        -128, packed, k, 0, 0, sums.start, n, &none)
      sums.scale(rows: rows.scales, columns: memory.scales, to: memory.c)
    }
  }

  private static func version(_ handle: ForeignLibrary.Handle) throws -> String {
    let read = try handle.function(
      "mkl_get_version_string",
      as: (@convention(c) (UnsafeMutablePointer<CChar>, Int32) -> Void).self)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 200) { buffer in
      buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress else { return "MKL" }
      read(start, 198)
      return String(cString: start).trimmingSpaces()
    }
  }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    var text = self[...]
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
