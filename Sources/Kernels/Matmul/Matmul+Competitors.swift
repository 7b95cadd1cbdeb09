import CLinux
import Glibc
import Quantities

extension Matmul {
  /// Libraries of others, where they are found. Weights are packed ahead where the library can.
  /// What a library allocates by itself is outside the ledger.
  static let competitors: [Variant<Matmul>] = [
    competitor(.openblas) { $0.precision == .fp32 ? nil : "OpenBLAS multiplies fp32 only" },
    competitor(.mkl) { _ in nil },
  ]

  private static func competitor(
    _ library: ForeignLibrary, declines: @escaping @Sendable (Problem) -> String?
  ) -> Variant<Matmul> {
    Variant(
      name: library.rawValue, kind: .competitor, library: library, declines: declines
    ) { problem, operands, execution in
      try BLASKernel(problem, operands, library.handle(), execution)
    }
  }

  /// What a library is asked to keep of packed weights.
  static func competitorBytes(_ problem: Problem, _ library: ForeignLibrary) -> Bytes? {
    guard library == .mkl, let handle = try? library.handle() else { return nil }
    return BLASKernel.packedBytes(problem, handle)
  }

  private final class BLASKernel: Kernel {
    let library: String?
    private let call: () -> Void

    init(
      _ problem: Problem, _ operands: Operands, _ handle: ForeignLibrary.Handle,
      _ execution: Execution
    ) throws {
      // A library counts its processors when it is first called, and makes its threads, which may
      // run where their maker may.
      let cpus = execution.pool.cpus.map(Int32.init)
      _ = hr_bind_thread(cpus, Int32(cpus.count))
      defer { _ = hr_bind_thread(cpus, 1) }
      library = try Self.version(handle)
      try Self.setThreads(handle, execution.pool.threads)
      call = try Self.call(problem, operands, handle, execution)
      call()
    }

    func run() { call() }

    static func packedBytes(_ problem: Problem, _ handle: ForeignLibrary.Handle) -> Bytes? {
      let (m, n, k) = (Int32(problem.m), Int32(problem.n), Int32(problem.k))
      guard handle.library == .mkl, problem.m > 1 || problem.precision != .fp32,
        let size = try? handle.function(
          names(problem.precision) + "_pack_get_size", as: CBLAS.PackSize.self)
      else { return nil }
      return Bytes(size(CBLAS.matrixB, m, n, k))
    }

    private static func names(_ precision: FloatFormat) -> String {
      switch precision {
      case .fp32: "cblas_sgemm"
      case .fp16: "cblas_gemm_f16f16f32"
      case .bf16: "cblas_gemm_bf16bf16f32"
      }
    }

    private static func call(
      _ problem: Problem, _ operands: Operands, _ handle: ForeignLibrary.Handle,
      _ execution: Execution
    ) throws -> () -> Void {
      let (m, n, k) = (Int32(problem.m), Int32(problem.n), Int32(problem.k))
      let (a, b, c) = (operands.a, operands.b, operands.c)
      if problem.m == 1, problem.precision == .fp32 {
        let multiply = try handle.function("cblas_sgemv", as: CBLAS.MultiplyVector.self)
        return {
          multiply(
            CBLAS.rowMajor, CBLAS.plain, n, k, 1, b.start, k, a.start, 1, 0, c.start, 1)
        }
      }
      let name = names(problem.precision)
      guard let bytes = packedBytes(problem, handle) else {
        let multiply = try handle.function(name, as: CBLAS.Multiply.self)
        return {
          multiply(
            CBLAS.rowMajor, CBLAS.plain, CBLAS.transposed, m, n, k, 1, a.start, k, b.start, k, 0,
            c.start, n)
        }
      }
      let packed = try execution.ledger.allocate(bytes, role: .weights)
      if problem.precision == .fp32 {
        let pack = try handle.function(name + "_pack", as: CBLAS.Pack.self)
        pack(
          CBLAS.rowMajor, CBLAS.matrixB, CBLAS.transposed, m, n, k, 1, b.start, k, packed.start)
        let multiply = try handle.function(name + "_compute", as: CBLAS.MultiplyPacked.self)
        return {
          multiply(
            CBLAS.rowMajor, CBLAS.plain, CBLAS.packed, m, n, k, a.start, k, packed.start, k, 0,
            c.start, n)
        }
      }
      let pack = try handle.function(name + "_pack", as: CBLAS.Pack16.self)
      pack(CBLAS.rowMajor, CBLAS.matrixB, CBLAS.transposed, m, n, k, b.start, k, packed.start)
      let multiply = try handle.function(name + "_compute", as: CBLAS.Multiply.self)
      return {
        multiply(
          CBLAS.rowMajor, CBLAS.plain, CBLAS.packed, m, n, k, 1, a.start, k, packed.start, k, 0,
          c.start, n)
      }
    }

    private static func setThreads(_ handle: ForeignLibrary.Handle, _ threads: Int) throws {
      let name =
        handle.library == .openblas ? "openblas_set_num_threads" : "MKL_Set_Num_Threads"
      // MKL would take one thread for two processors that share a core.
      if handle.library == .mkl {
        try handle.function("MKL_Set_Dynamic", as: CBLAS.SetThreads.self)(0)
      }
      try handle.function(name, as: CBLAS.SetThreads.self)(Int32(threads))
    }

    /// As the library gives it.
    private static func version(_ handle: ForeignLibrary.Handle) throws -> String {
      switch handle.library {
      case .openblas:
        let config = try handle.function(
          "openblas_get_config", as: (@convention(c) () -> UnsafePointer<CChar>?).self)
        return config().map { String(cString: $0) } ?? "OpenBLAS"
      case .mkl:
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
  }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    var text = self[...]
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
