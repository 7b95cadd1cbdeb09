import Foundation
import Kernels
import Testing

/// What PyTorch and transformers make of numbers that are drawn here and there alike: see `golden.py`.
struct GoldenFile<Cases: Decodable>: Decodable {
  let cases: Cases

  /// - Parameter name: of the file beside this, and of the script that wrote it.
  static func cases(_ name: String) throws -> Cases {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "json"))
    return try JSONDecoder().decode(GoldenFile.self, from: Data(contentsOf: url)).cases
  }
}

/// −7.5, −6.5 … 7.5, drawn by a hash: times a power of two they are exact in fp32, fp16 and bf16.
func dyadic(_ seed: UInt32, _ index: Int) -> Float {
  Float(hash32(seed, UInt32(index)) >> 28) - 7.5
}

/// The largest distance of numbers from golden ones; infinite where one is none.
func farthest(_ found: some Collection<Double>, from golden: some Collection<Double>) -> Double {
  guard found.count == golden.count else { return .infinity }
  return zip(found, golden).reduce(0) { most, pair in
    let distance = abs(pair.0 - pair.1)
    return distance.isNaN ? .infinity : max(most, distance)
  }
}
