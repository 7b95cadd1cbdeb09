/// The largest distance of numbers from those that are expected, relative to the root mean square of these;
/// infinite where there are more or fewer of them, or one is none.
func distance(_ found: some Collection<Double>, from expected: some Collection<Double>) -> Double {
  guard found.count == expected.count, !expected.isEmpty else { return .infinity }
  let mean = expected.reduce(0) { $0 + $1 * $1 } / Double(expected.count)
  let most = zip(found, expected).reduce(0) { most, pair in
    let distance = abs(pair.0 - pair.1)
    return distance.isNaN ? .infinity : max(most, distance)
  }
  return most == 0 ? 0 : most / mean.squareRoot()
}

/// The largest of all parameters, each relative to its own gradient; infinite where names differ.
func distance(_ found: [String: [Double]], from expected: [String: [Double]]) -> Double {
  guard Set(found.keys) == Set(expected.keys) else { return .infinity }
  return expected.reduce(0) { max($0, distance(found[$1.key] ?? [], from: $1.value)) }
}

extension StepResult {
  var doubles: [String: [Double]] { gradients.mapValues { $0.map(Double.init) } }
}
