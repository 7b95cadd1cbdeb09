import Foundation
import OrderedCollections
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
  /// Of the process that is being read: seconds an operation.
  private var repetitions: OrderedDictionary<String, [Double]> = [:]

  static func results(_ text: String, _ path: String) throws -> ResultSet {
    var reader = GoBenchmarkText()
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      try reader.read(line, at: "\(path):\(index + 1)")
    }
    reader.endProcess()
    if !reader.described.isEmpty { reader.set.machine = .described(reader.described) }
    return reader.set
  }

  /// Whether a text has a line of this format.
  static func isLikely(_ text: String) -> Bool {
    text.split(separator: "\n").contains { line in
      line.hasPrefix("Benchmark") && line.split(whereSeparator: \.isWhitespace).count >= 4
    }
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
    for (mark, word) in [("--- FAIL: ", \ResultCase.failure), ("--- SKIP: ", \.skip)]
    where line.hasPrefix(mark + "Benchmark") {
      let name = line.dropFirst(mark.count).prefix { !$0.isWhitespace }
      self[package + name][keyPath: word] = "go test says \(mark.prefix { $0 != ":" })"
    }
    let fields = line.split(whereSeparator: \.isWhitespace)
    guard line.hasPrefix("Benchmark"), fields.count >= 4, Int(fields[1]) != nil else { return }
    let name = package + fields[0]
    for (value, unit) in zip(fields.dropFirst(2), fields.dropFirst(3)) {
      switch unit {
      case "ns/op":
        guard let time = Double(value) else {
          throw ResultFault.badValue(place, "'\(name)' has the time \(value) ns/op")
        }
        repetitions[name, default: []].append(time * 1e-9)
      case "B/op": try count("bytes per call", value, of: name, at: place)
      case "allocs/op": try count("allocations", value, of: name, at: place)
      default: break
      }
    }
  }

  /// A mean over calls, which Go rounds to whole numbers.
  private mutating func count(
    _ figure: String, _ value: Substring, of name: String, at place: String
  ) throws {
    guard let count = Int(value), count >= 0 else {
      throw ResultFault.badValue(place, "'\(name)' has \(value) \(figure)")
    }
    self[name].count(figure, count)
    self[name].means.insert(figure)
  }

  private mutating func endProcess() {
    for (name, seconds) in repetitions {
      if let sample = try? Sample(seconds) {
        // The median of times of which one is 0 would hide that.
        let bad = seconds.first { !($0 > 0 && $0.isFinite) }
        self[name].add(seconds: bad ?? sample.median, from: "go test")
      }
    }
    repetitions = [:]
  }

  private subscript(name: String) -> ResultCase {
    get { set.results[ResultKey(name)] ?? ResultCase() }
    set { set.results[ResultKey(name)] = newValue }
  }
}
