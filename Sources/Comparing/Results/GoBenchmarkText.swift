import Foundation
import OrderedCollections
import Records
import Statistics

/// What `go test -bench` prints: `BenchmarkName-8  1000  1234 ns/op  56 B/op  7 allocs/op`.
///
/// The lines of one process, from one `goos:` to the next, are one value of each benchmark.
///
/// - Source: Russ Cox and Austin Clements, "Go Benchmark Data Format" (2016).
struct GoBenchmarkText {
  private var set = ResultSet(tool: .goBenchmark, machine: nil)
  private var described: [String: String] = [:]
  private var package = ""
  /// A benchmark whose figures stand on a later line.
  private var pending: Substring?
  /// Of the process that is being read: seconds an operation.
  private var repetitions: OrderedDictionary<String, [Double]> = [:]

  /// What a line of this format may begin with: most lines of a log are none.
  private static let beginnings = [
    "Benchmark", "goos:", "goarch:", "pkg:", "cpu:", "--- FAIL: ", "--- SKIP: ",
  ].map { Array($0.utf8) }

  static func results(_ text: String, _ path: String) throws -> ResultSet {
    var reader = GoBenchmarkText()
    var rest = text.utf8[...]
    var number = 0
    // A line at a time: an array of all would take more than the text.
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      number += 1
      let line = rest[..<end].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      let mayBe =
        reader.pending == nil
        ? beginnings.contains { line.starts(with: $0) } : !line.isEmpty
      if mayBe { try reader.read(Substring(line), at: "\(path):\(number)") }
      rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
    }
    reader.endProcess()
    reader.nameEndings()
    if !reader.described.isEmpty { reader.set.machine = .described(reader.described) }
    return reader.set
  }

  /// Whether a text has a line of this format.
  static func isLikely(_ text: String) -> Bool {
    text.hasPrefix("Benchmark") || text.contains("\nBenchmark") || text.contains("goos: ")
      || text.contains("--- FAIL: Benchmark")
  }

  private mutating func read(_ line: Substring, at place: String) throws {
    for key in ["goos", "goarch", "pkg", "cpu"] where line.hasPrefix("\(key):") {
      let value = line.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces)
      if key == "goos" { endProcess() }
      if key == "pkg" {
        package = value + "."
      } else if let earlier = described.updateValue(value, forKey: key), earlier != value {
        throw ResultFault.badValue(place, "its lines are of several machines")
      }
    }
    for (mark, word) in [("--- FAIL: ", \ResultCase.failure), ("--- SKIP: ", \.skip)] {
      guard let found = line.firstRange(of: mark + "Benchmark") else { continue }
      let name = line[found.lowerBound...].dropFirst(mark.count).prefix { !$0.isWhitespace }
      self[package + name][keyPath: word] = "go test says \(mark.dropFirst(4).prefix(4))"
      return
    }
    var fields = line.split(whereSeparator: \.isWhitespace)
    if line.hasPrefix("Benchmark"), fields.count == 1 {
      // Its figures follow what it printed.
      pending = fields[0]
      return
    }
    if let name = pending, fields.count >= 3, Int(fields[0]) != nil, fields.contains("ns/op") {
      fields.insert(name, at: 0)
      pending = nil
    }
    guard fields.count >= 4, fields[0].hasPrefix("Benchmark"), Int(fields[1]) != nil else { return }
    let name = package + fields[0]
    var isTimed = false
    for (value, unit) in zip(fields.dropFirst(2), fields.dropFirst(3)) {
      switch unit {
      case "ns/op" where !isTimed:
        guard let time = Double(value) else {
          throw ResultFault.badValue(place, "'\(name)' has the time \(value) ns/op")
        }
        repetitions[name, default: []].append(time * 1e-9)
        isTimed = true
      case "B/op": count("bytes per call", value, of: name)
      case "allocs/op": count("allocations", value, of: name)
      default: break
      }
    }
    if !isTimed { self[name].absence = "go test gives no ns/op of it" }
  }

  /// Some versions name a benchmark that failed without the processors behind its name.
  private mutating func nameEndings() {
    let suffixes = Set(
      set.results.filter { !$0.value.seconds.isEmpty }.keys.map { key in
        String(key.name.reversed().prefix { $0.isNumber }.reversed())
      })
    guard suffixes.count == 1, let suffix = suffixes.first, !suffix.isEmpty else { return }
    for (key, result) in set.results
    where result.seconds.isEmpty && !key.name.hasSuffix("-" + suffix) {
      set.results[key] = nil
      self[key.name + "-" + suffix].merge(result)
    }
  }

  /// A mean over calls, which Go rounds to whole numbers where it counts itself.
  private mutating func count(_ figure: String, _ value: Substring, of name: String) {
    guard let mean = Double(value), (0...1e15).contains(mean) else { return }
    self[name].count(figure, Int(mean.rounded()))
    self[name].means.insert(figure)
  }

  private mutating func endProcess() {
    for (name, seconds) in repetitions {
      // The median of times of which one is none would hide that.
      if let time = seconds.first(where: { !isTime($0) }) ?? (try? Sample(seconds))?.median {
        self[name].add(seconds: time, from: "go test")
      }
    }
    repetitions = [:]
  }

  private subscript(name: String) -> ResultCase {
    get { set.results[ResultKey(name)] ?? ResultCase() }
    set { set.results[ResultKey(name)] = newValue }
  }
}
