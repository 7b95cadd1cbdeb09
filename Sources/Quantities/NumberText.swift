/// Three significant digits without an exponent: `1.23`, `12.3`, `123`, `1230`.
package func significant(_ value: Double) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : (value < 0 ? "-inf" : "inf") }
  guard value != 0 else { return "0" }
  var digits = 2
  var size = abs(value)
  while size >= 9.995, digits > 0 {
    size /= 10
    digits -= 1
  }
  while size < 0.9995, digits < 9 {
    size *= 10
    digits += 1
  }
  return fixed(value, digits)
}

/// A number with a fixed count of decimals: `fixed(1.005, 2)` is `1.00` or `1.01`, as binary rounding has it.
package func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 9e15 else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 9e18 else { return "\(value)" }
  let whole = Int(scaled)
  let sign = value < 0 && whole != 0 ? "-" : ""
  guard decimals > 0 else { return "\(sign)\(whole)" }
  let unit = Int(scale)
  let fraction = String(whole % unit)
  let zeros = String(repeating: "0", count: decimals - fraction.count)
  return "\(sign)\(whole / unit).\(zeros)\(fraction)"
}

/// Two significant digits and an exponent, for errors: `3.0e-07`.
package func scientific(_ value: Double) -> String {
  guard value.isFinite else { return significant(value) }
  guard value != 0 else { return "0" }
  var exponent = 0
  var size = abs(value)
  while size >= 9.95 {
    size /= 10
    exponent += 1
  }
  while size < 0.995 {
    size *= 10
    exponent -= 1
  }
  let power = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
  return "\(value < 0 ? "-" : "")\(fixed(size, 1))e\(exponent < 0 ? "-" : "+")\(power)"
}

/// A number and the unit behind it, blanks between them allowed.
func splitUnit(_ text: String) -> (Double, String)? {
  let trimmed = text.drop { $0 == " " }
  let number = trimmed.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-" || $0 == "+") }
  guard let value = Double(number), value.isFinite else { return nil }
  var unit = trimmed.dropFirst(number.count).drop { $0 == " " }
  while unit.last == " " { unit.removeLast() }
  return (value, String(unit))
}
