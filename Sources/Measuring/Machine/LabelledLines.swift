import Quantities

/// Lines of `label: value`, as `/proc/cpuinfo`, `/proc/meminfo` and `/proc/PID/status` have them.
struct LabelledLines {
  private let pairs: [(label: Substring, value: Substring)]

  init(_ text: String) {
    pairs = text.split(separator: "\n").compactMap { line in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return (trimmed(line[..<colon]), trimmed(line[line.index(after: colon)...]))
    }
  }

  /// The first value with this label; an empty value counts as none.
  subscript(label: String) -> String? {
    pairs.first { $0.label == label && !$0.value.isEmpty }.map { String($0.value) }
  }

  /// The values of every line with this label, in order.
  func all(_ label: String) -> [String] {
    pairs.filter { $0.label == label }.map { String($0.value) }
  }

  /// An amount that the kernel gives in `kB`, by which it means KiB.
  func kibibytes(_ label: String) -> Bytes? {
    guard let words = self[label]?.split(separator: " "), words.last == "kB",
      let first = words.first, let count = Int(first), count >= 0
    else { return nil }
    return .kibibytes(count)
  }
}

/// A text without the blanks and line ends around it.
func trimmed(_ text: some StringProtocol) -> Substring {
  var rest = Substring(text)
  while rest.first?.isWhitespace == true { rest.removeFirst() }
  while rest.last?.isWhitespace == true { rest.removeLast() }
  return rest
}

/// How many processors a list such as `0-3,8,10-11` names; nil where it is not such a list.
func processorCount(inList text: String) -> Int? {
  var count = 0
  for part in trimmed(text).split(separator: ",") {
    let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    switch ends.count {
    case 1:
      guard ends[0] != nil else { return nil }
      count += 1
    case 2:
      guard let low = ends[0], let high = ends[1], low <= high else { return nil }
      count += high - low + 1
    default: return nil
    }
  }
  return count > 0 ? count : nil
}
