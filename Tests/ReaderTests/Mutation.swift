import Foundation
import GRDB
import Statistics

/// Changes bytes of a whole input in the ways that damage and malice do: the same seed gives the same.
struct Mutation {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: SplitMix64.scrambled(seed)) }

  /// What stands in place of a number, a word or a byte.
  private static let tokens = [
    "null", "true", "-1", "0", "1e999", "-1e308", "5e-324", "9223372036854775807",
    "-9223372036854775808", "18446744073709551616", "99999999999999999", "1e17", "NaN", "Infinity",
    "{}", "[]", "\"\"", "\"x\"", "[[[[", "}}", "\r\n", "\r", "\n", "\u{FEFF}", "\u{0}", "\u{1B}",
    "\\u0000", "\u{202E}", ":", ",", "\"", "*a", "&a", "- ", "? ", "<<: *a", "1-99999999+1",
    " ns/op",
  ].map { Array($0.utf8) }

  mutating func apply(to input: Data) -> Data {
    var bytes = Array(input)
    for _ in 0..<(1 + random.next(under: 4)) {
      guard !bytes.isEmpty else { break }
      switch random.next(under: 9) {
      case 0: bytes[place(bytes)] = UInt8(random.next(under: 256))
      case 1: bytes[place(bytes)] ^= UInt8(1 << random.next(under: 8))
      case 2: bytes.removeSubrange(range(bytes))
      case 3:
        let piece = bytes[range(bytes)]
        bytes.insert(contentsOf: piece, at: place(bytes))
      case 4: bytes.insert(contentsOf: token, at: place(bytes))
      case 5 where random.next(under: 4) == 0: bytes.removeLast(random.next(under: bytes.count))
      case 6:
        let piece = Array(bytes[range(bytes)])
        bytes.replaceSubrange(range(bytes), with: piece)
      default: replaceNumber(&bytes)
      }
    }
    return Data(bytes)
  }

  private static let columns = [
    ("machine", ["fingerprint", "name"]),
    ("entry", ["digest", "suite", "added", "\"commit\"", "anchor", "machine"]),
    (
      "measurement",
      ["\"case\"", "median", "low", "high", "processes", "ratio", "ratio_low", "ratio_high"]
    ),
    ("figure", ["name", "value"]),
  ]
  private static let values = [
    "'abc'", "x'00ff'", "null", "-1", "0", "9e999", "-9e999", "9223372036854775807", "1e308", "''",
    "'1'", "5e-324", "x''",
  ]

  /// A history with a value of another type somewhere.
  mutating func applyToColumn(of history: Data, in folder: String) throws -> Data {
    let path = folder + "/mutated.sqlite"
    try history.write(to: URL(fileURLWithPath: path))
    let (table, columns) = Self.columns[random.next(under: Self.columns.count)]
    let column = columns[random.next(under: columns.count)]
    let value = Self.values[random.next(under: Self.values.count)]
    do {
      let queue = try DatabaseQueue(path: path)
      try queue.write { db in
        try db.execute(sql: "PRAGMA ignore_check_constraints = 1")
        try db.execute(sql: "UPDATE OR IGNORE \(table) SET \(column) = \(value)")
      }
    } catch is DatabaseError {
      // A column that may not be null stays as it is.
    }
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private var token: [UInt8] {
    mutating get { Self.tokens[random.next(under: Self.tokens.count)] }
  }

  private mutating func place(_ bytes: [UInt8]) -> Int { random.next(under: bytes.count) }

  private mutating func range(_ bytes: [UInt8]) -> Range<Int> {
    let start = place(bytes)
    return start..<min(bytes.count, start + 1 + random.next(under: 40))
  }

  private mutating func replaceNumber(_ bytes: inout [UInt8]) {
    func isDigit(_ index: Int) -> Bool {
      bytes.indices.contains(index) && (0x30...0x39).contains(bytes[index])
    }
    let from = place(bytes)
    guard let start = (from..<bytes.count).first(where: isDigit) else { return }
    var end = start
    while isDigit(end) { end += 1 }
    bytes.replaceSubrange(start..<end, with: token)
  }
}
