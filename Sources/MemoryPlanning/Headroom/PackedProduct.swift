import Kernels
import Quantities

extension KernelMemory {
  /// A product whose weights are packed ahead, so that runs do not need them as they were stored.
  ///
  ///     kept: the packed weights, and a workspace;  released: the stored weights, where they were packed
  ///
  /// - Source: `Matmul`, which says how much its packed weights and its workspace take on this machine.
  ///
  /// - Parameter weights: bytes of the stored weights, which are among the operands.
  init(
    _ product: Matmul, rows m: Int, operands: RoleBytes, weights: Bytes, threads: Int
  ) {
    let packed = product.packedBytes
    self.init(
      operands: operands,
      kept: RoleBytes(
        weights: packed ?? .zero,
        workspace: product.workspaceBytes(rows: m, maxRows: m, threads: threads)),
      released: RoleBytes(weights: packed == nil ? .zero : weights))
  }
}
