import Kernels

/// Which way through an operation, as an axis.
package enum TrainingPass: String, AxisWord {
  /// From inputs to outputs.
  case forward
  /// From the outputs' gradients to those of the inputs.
  case backward
}

/// Tensors of a call that can be had elsewhere in memory.
protocol TensorSet {
  func copy(in ledger: MemoryLedger) throws -> Self
}

/// A call of an operation on tensors; calls on others share its workspace.
final class OperationKernel<Tensors: TensorSet>: Kernel {
  private let tensors: Tensors
  private let call: (Tensors) -> Void

  init(_ tensors: Tensors, call: @escaping (Tensors) -> Void) {
    self.tensors = tensors
    self.call = call
  }

  func run() { call(tensors) }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    OperationKernel(try tensors.copy(in: ledger), call: call)
  }
}

extension Tensor {
  /// One row of a matrix in fp64.
  func row(_ index: Int) -> [Double] { doubles(index * columns..<(index + 1) * columns) }

  /// One column of a matrix in fp64.
  func column(_ index: Int) -> [Double] { (0..<rows).map { Double(self[$0 * columns + index]) } }

  /// The same elements, multiplied by a number and rounded again.
  func scale(by factor: Float) {
    guard !isPlan else { return }
    for index in 0..<count { store(factor * self[index], at: index) }
  }
}
