/// A share in words: "95 %", "2.3 %", "0.35 %"; one decimal from 1 % on, else two digits.
package func percent(
  _ share: Double, rounding rule: FloatingPointRoundingRule = .toNearestOrEven
) -> String {
  let value = share * 100
  guard value.isFinite, value > 0 else { return value == 0 ? "0 %" : "\(value) %" }
  var scale = 10.0
  while value * scale < 10 { scale *= 10 }
  // Without the slack, 2.3 % that was stored a digit too high would be rounded up to 2.4 %.
  let slack = rule == .up ? 1e-9 : 0
  let rounded = (value * scale - slack).rounded(rule) / scale
  let digits = "\(rounded)"
  return (digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits) + " %"
}

/// `part` over the size of `whole`; nothing has no share in nothing, and anything an infinite one.
func share(of part: Double, in whole: Double) -> Double {
  part == 0 ? 0 : part / whole.magnitude
}
