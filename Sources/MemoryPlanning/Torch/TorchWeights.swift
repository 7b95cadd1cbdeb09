import Models
import Quantities

/// Bytes of weights, gradients and states under PyTorch, none of which depends on a batch.
struct TorchWeights {
  /// Of the model.
  let base: Int
  /// Of what is trained beside it.
  let adapter: Int
  /// Numbers that are trained.
  let trained: Int
  let trainedBytes: Int
  let gradients: Int
  let layerGradients: Int
  let states: Int
  /// Bytes of the largest tensor that is trained.
  let largest: Int

  init(_ model: Architecture, _ options: TorchOptions) {
    let width = options.plainWidth
    let products = model.products.reduce(0) { $0 + model.matrix($1).count }
    let quantized = model.layers * products
    base = options.base.bytes(of: quantized) { $0 * width } + (model.weights - quantized) * width
    switch options.adapter {
    case .none:
      (adapter, trained, trainedBytes) = (0, model.weights, model.weights * width)
      let layer =
        (model.weights - model.vocab * model.hidden * (model.isTied ? 1 : 2)) / model.layers
      layerGradients = layer * width
      largest =
        max(
          model.vocab * model.hidden, model.products.map { model.matrix($0).count }.max() ?? 0)
        * width
    case .frozen:
      (adapter, trained, trainedBytes, layerGradients, largest) = (0, 0, 0, 0, 0)
    case .lora(let lora):
      let own = options.isTransformers ? 4 : width
      let layer = lora.weights(of: model)
      adapter = model.layers * layer * own
      trained = model.layers * layer
      trainedBytes = adapter
      layerGradients = layer * own
      let sizes = model.products.filter(lora.targets.contains).map(model.matrix)
      largest = (sizes.map { lora.rank * max($0.n, $0.k) }.max() ?? 0) * own
    case .small(let weights):
      let own = options.isTransformers ? 4 : width
      (adapter, trained, trainedBytes) = (weights * own, weights, weights * own)
      (layerGradients, largest) = (weights / model.layers * own, weights / model.layers * own)
    }
    gradients = trainedBytes
    states = options.optimizer.states(
      of: trained, width: options.hasMasters ? 4 : trained == 0 ? 4 : trainedBytes / trained)
  }
}

extension Architecture {
  /// The products of a layer.
  var products: [ModelShape.Product] {
    isGated ? ModelShape.Product.allCases : [.q, .k, .v, .out, .up, .down]
  }
}

extension TorchOptions.Base {
  /// - Parameter plain: bytes of so many numbers that are stored as they are.
  func bytes(of count: Int, plain: (Int) -> Int) -> Int {
    switch self {
    case .plain: plain(count)
    case .nf4(let doubleQuantized):
      // A scale of 64 numbers in fp32; or in 8 bits, with one in fp32 for 256 of those.
      count / 2 + (doubleQuantized ? count / 64 + count / 64 / 256 * 4 : count / 64 * 4)
    case .int8: count
    }
  }
}

extension TorchOptions.Base {
  /// The tensors that a matrix of weights is stored in.
  func tensors(of count: Int, width: Int) -> [Int] {
    switch self {
    case .plain: [count * width]
    case .nf4(let doubleQuantized):
      doubleQuantized ? [count / 2, count / 64, count / 64 / 64] : [count / 2, count / 16]
    case .int8: [count]
    }
  }
}

extension PlannedOptimizer {
  func states(of count: Int, width: Int) -> Int {
    if isPaged { return 0 }
    let each: Int
    switch stateBytes {
    case .fixed(let bytes): each = bytes
    case .numbers(let numbers): each = numbers * width
    }
    return count * each + (block.map { count / $0 * 8 } ?? 0)
  }
}

/// Memory of PyTorch's on a GPU that no tensor of a model explains.
package enum TorchConstants {
  /// cuBLAS's workspace, 8.125 MiB for each thread that multiplies: the caller's and autograd's.
  ///
  /// - Source: PyTorch's "CUDA semantics", "cuBLAS workspaces": `:4096:2:16:8` unless the GPU is newer.
  static let matmulWorkspace = 2 * (2 * 4096 + 8 * 16) * 1024
  /// A CUDA context with the code of the kernels that were used, outside of the allocator: 141 MiB on a T4.
  ///
  /// - Source: the difference of the driver's count and the allocator's, told with fitcheck's measurements.
  static let context = 141 << 20
  /// What loading leaves behind that no tensor explains, at the most: blocks that are rounded up, and one that a
  /// library holds.
  static let leftOfLoading = 32 << 20
}
