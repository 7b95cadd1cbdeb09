import CMicrokernels
import Quantities

enum PortableRotary {
  /// Rotating in plain Swift, for every processor.
  static func loop(_ precision: FloatFormat) -> hr_rope {
    switch precision {
    case .fp32: { rotate(StoredFP32.self, $0, $1, $2, $3, $4, $5) }
    case .fp16: { rotate(StoredFP16.self, $0, $1, $2, $3, $4, $5) }
    case .bf16: { rotate(StoredBF16.self, $0, $1, $2, $3, $4, $5) }
    }
  }
}

private func rotate<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer?, _ cosines: UnsafePointer<Float>?,
  _ sines: UnsafePointer<Float>?, _ pairs: Int64, _ apart: Int32, _ to: UnsafeMutableRawPointer?
) {
  guard let from = from?.assumingMemoryBound(to: S.Bits.self), let cosines, let sines,
    let to = to?.assumingMemoryBound(to: S.Bits.self)
  else { return }
  for pair in 0..<Int(pairs) {
    let (one, other) = RotaryLayout.places(of: pair, pairs: Int(pairs), areApart: apart != 0)
    let (a, b) = (S.widen(from[one]), S.widen(from[other]))
    to[one] = S.narrow(a * cosines[pair] - b * sines[pair])
    to[other] = S.narrow(a * sines[pair] + b * cosines[pair])
  }
}
