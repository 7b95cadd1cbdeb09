import Kernels
import Models
import Quantities

enum DecoderTolerance {
  /// Each product's sums stray by their terms' roundings, and norms hand that on to the next.
  ///
  /// Where activations are rounded to 8 bits, one that strayed a little may be rounded the other way, and
  /// a few products later the roundings of two computations are as good as independent. A product's
  /// are off by 3.3 / 127 / √6 of the root mean square of its activations, which is 0.0166 / √k of
  /// its terms' magnitudes; two branches a layer and as many products in each add up.
  static func of(_ shape: ModelShape, _ format: ElementType, _ run: DecoderRun) -> Tolerance {
    let each = shape.products.map { 2 * shape.matrix($0).k }.reduce(0, +)
    let all = shape.layers * (each + 2 * run.longest) + 2 * shape.hidden
    let sums = Tolerance.sum(roundings: all)
    if WeightFormat(format).isQuantized {
      let noise =
        0.0166 * Double(4 * shape.layers + 1).squareRoot() / Double(shape.hidden).squareRoot()
      return Tolerance(
        relative: sums.relative + 8 * noise,
        basis: "\(sums.basis); 8 deviations of activations' rounding to 8 bits")
    }
    guard run.hasCache,
      [run.cache.keys, run.cache.values].contains(where: { $0 != .fp32 })
    else {
      return sums
    }
    return Tolerance(
      relative: sums.relative + 1e-3,
      basis: "\(sums.basis); 1e-3 for cached numbers that are rounded the other way")
  }
}
