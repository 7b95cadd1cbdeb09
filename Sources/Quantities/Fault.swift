/// What went wrong for the user: what, where, how to mend.
package struct Fault: Error, Hashable, Codable, Sendable {
  package let what: String
  /// A file and line, a case or an option.
  package let place: String?
  package let mend: String?

  package init(_ what: String, at place: String? = nil, fix mend: String? = nil) {
    self.what = what
    self.place = place
    self.mend = mend
  }
}

/// An enum of facts whose words are made in one place.
package protocol FaultConvertible: Error {
  var fault: Fault { get }
}

extension Fault: FaultConvertible {
  package var fault: Fault { self }
}

extension Fault: CustomStringConvertible {
  package var description: String {
    var lines = ["error: \(what.printable(keepingLines: true))"]
    if let place { lines.append("  at:  \(place.printable())") }
    if let mend { lines.append("  fix: \(mend.printable(keepingLines: true))") }
    return lines.joined(separator: "\n")
  }
}

/// The name among `names` that a typing error most likely meant, if any is near enough.
package func nearestName(to word: String, among names: some Sequence<String>) -> String? {
  var best: (name: String, distance: Int)?
  for name in names {
    let distance = editDistance(word.lowercased(), name.lowercased())
    if distance < best?.distance ?? .max { best = (name, distance) }
  }
  // Half of the longer word may differ, or any name would pass for any other.
  guard let best, best.distance * 2 <= max(word.count, best.name.count) else { return nil }
  return best.name
}

/// Insertions, deletions, replacements and swaps of neighbours between two words
/// (optimal string alignment; Damerau, 1964).
private func editDistance(_ left: String, _ right: String) -> Int {
  let left = Array(left)
  let right = Array(right)
  var before = [Int](repeating: 0, count: right.count + 1)
  var previous = Array(0...right.count)
  for row in 0..<left.count {
    var current = [row + 1]
    for column in 0..<right.count {
      let same = left[row] == right[column]
      var cost = min(
        previous[column] + (same ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        cost = min(cost, before[column - 1] + 1)
      }
      current.append(cost)
    }
    before = previous
    previous = current
  }
  return previous[right.count]
}
