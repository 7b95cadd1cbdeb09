import CLinux
import Glibc
import Kernels
import Quantities

/// A product C = A · Bᵀ that a library is asked for: A m × k, B n × k, C m × n, row-major.
struct ProductShape: Hashable {
  enum Elements: Hashable {
    /// A and B in fp32, fp16 or bf16, C in fp32.
    case float(FloatFormat)
    /// A in fp32, rounded to 8 bits within the call, B signed bytes with an fp32 scale a row.
    case bytes
  }

  let m: Int
  let n: Int
  let k: Int
  let elements: Elements
}

/// A library's way of computing one product. What it allocates by itself is outside the ledger.
protocol LibraryProduct: AnyObject {
  /// By the library's own account.
  var version: String { get }
  /// What it keeps of weights besides them: packed ones.
  var packedBytes: Bytes { get }
  /// What it needs besides.
  var workspaceBytes: Bytes { get }
  /// Takes the operands it will compute with from now on, and packs weights.
  func bind(_ memory: ProductMemory) throws
  /// Computes C from the operands that were bound.
  func run()
}

/// Where a product's operands lie; scales are those of B's rows, for bytes.
struct ProductMemory {
  let a: UnsafeMutableRawPointer
  let b: UnsafeMutableRawPointer
  let scales: UnsafeMutableRawPointer?
  let c: UnsafeMutableRawPointer
  let packed: UnsafeMutableRawPointer?
  let workspace: UnsafeMutableRawPointer?
}

extension ForeignLibrary {
  /// Throws an `Absence` for what the library does not compute.
  func product(_ shape: ProductShape, threads: Int) throws -> any LibraryProduct {
    switch self {
    case .openblas: try OpenBLASProduct(shape, handle(), threads: threads)
    case .mkl: try MKLProduct(shape, handle(), threads: threads)
    case .onednn: try OneDNNProduct(shape, handle(), threads: threads)
    }
  }

  /// Why it does not compute a product, if so.
  func declines(_ shape: ProductShape) -> String? {
    do {
      _ = try product(shape, threads: 1)
      return nil
    } catch let absence as Absence {
      return absence.reason
    } catch {
      return "\(error)"
    }
  }
}

/// A library's product as a variant runs it.
final class LibraryKernel: Kernel {
  let library: String?
  private let product: any LibraryProduct
  /// What the product has pointers to.
  private let operands: [Tensor]
  private let memory: [Allocation?]

  /// - Parameter scalesAt: where in B the scales of its rows begin.
  init(
    _ library: ForeignLibrary, _ shape: ProductShape, a: Tensor, b: Tensor,
    scalesAt: Int? = nil, c: Tensor, execution: Execution
  ) throws {
    let threads = execution.threads
    guard !execution.ledger.isPlan else {
      product = try library.product(shape, threads: threads)
      self.library = product.version
      operands = [a, b, c]
      memory = try Self.allocate(product, execution.ledger)
      return
    }
    // A library counts its processors when it is first called, and makes its threads, which may
    // run where their maker may.
    let cpus = execution.pool.cpus.map(Int32.init)
    _ = hr_bind_thread(cpus, Int32(cpus.count))
    defer { _ = hr_bind_thread(cpus, 1) }
    let product = try library.product(shape, threads: threads)
    let memory = try Self.allocate(product, execution.ledger)
    try product.bind(
      ProductMemory(
        a: a.start, b: b.start, scales: scalesAt.map { b.start + $0 }, c: c.start,
        packed: memory[0]?.start, workspace: memory[1]?.start))
    product.run()
    self.library = product.version
    self.product = product
    operands = [a, b, c]
    self.memory = memory
  }

  /// Packed weights and workspace, where there are such.
  private static func allocate(_ product: any LibraryProduct, _ ledger: MemoryLedger) throws
    -> [Allocation?]
  {
    try [(product.packedBytes, MemoryRole.weights), (product.workspaceBytes, .workspace)].map {
      $0 == .zero ? nil : try ledger.allocate($0, role: $1)
    }
  }

  func run() { product.run() }
}
