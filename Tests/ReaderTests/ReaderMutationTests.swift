import Foundation
import Glibc
import Testing

/// Nothing that is read ends the program, hangs it, or is refused without words.
@Suite(.serialized) struct ReaderMutationTests {
  /// A mutated input, and what was right to say of it.
  struct Entry: Codable, CustomTestStringConvertible {
    let reader: Reader
    let bytes: Data
    let outcome: String
    var testDescription: String { "\(reader.rawValue): \(outcome)" }
  }

  private static let corpusPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("corpus.jsonl").path

  private static let corpus: [Entry] = {
    let text = (try? String(contentsOfFile: corpusPath, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(Entry.self, from: Data($0.utf8))
    }
  }()

  private static func folder() throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/readers-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test(arguments: Reader.allCases) func `a whole input is read`(reader: Reader) throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for seed in reader.seeds {
      #expect(reader.outcome(of: try Reader.seed(seed), in: folder) == "read", "\(seed)")
    }
  }

  @Test func `each input of the corpus has the outcome that it had`() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(Self.corpus.count == 300)
    for entry in Self.corpus {
      let found = entry.reader.outcome(of: entry.bytes, in: folder)
      #expect(found == entry.outcome, "\(entry.reader)")
    }
  }

  /// Every other change to a history is one that SQLite takes: a value of another type in a column.
  private static func mutated(_ input: Data, of reader: Reader, by seed: UInt64, _ folder: String)
    throws -> Data
  {
    var mutation = Mutation(seed: seed)
    return reader == .history && seed % 2 == 0
      ? try mutation.applyToColumn(of: input, in: folder) : mutation.apply(to: input)
  }

  private static let environment = ProcessInfo.processInfo.environment

  /// `HEADROOM_MUTATIONS=run:0:1000` tries a reader's inputs from a seed on, each within ten seconds;
  /// `HEADROOM_MUTATIONS_MARK` is the file that says which one, should the process end by a signal.
  /// Tests/Benchmarks/reader_mutations.py does so for all.
  @Test(.enabled(if: environment["HEADROOM_MUTATIONS"] != nil, "is a benchmark"))
  func `a million mutations end no process`() throws {
    let words = Self.environment["HEADROOM_MUTATIONS"]?.split(separator: ":") ?? []
    let reader = try #require(Reader(rawValue: String(words[0])))
    let (first, count) = (try #require(UInt64(words[1])), try #require(UInt64(words[2])))
    let mark = open(
      Self.environment["HEADROOM_MUTATIONS_MARK"] ?? "/dev/null", O_WRONLY | O_CREAT, 0o644)
    defer { close(mark) }
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let seeds = try reader.seeds.map(Reader.seed)
    var outcomes: [Bool: Int] = [:]
    for seed in first..<(first + count) {
      var number = seed
      pwrite(mark, &number, 8, 0)
      alarm(10)
      let bytes = try Self.mutated(seeds[Int(seed) % seeds.count], of: reader, by: seed, folder)
      let outcome = reader.outcome(of: bytes, in: folder)
      #expect(!outcome.hasPrefix("an error without words"), "\(reader) \(seed): \(outcome)")
      outcomes[outcome == "read", default: 0] += 1
    }
    alarm(0)
    print(
      "mutations \(reader.rawValue): \(outcomes[true] ?? 0) read, \(outcomes[false] ?? 0) refused")
  }

  /// `HEADROOM_CORPUS=write` makes the corpus anew, of the first mutations of each reader; the outcomes
  /// in it are then to be looked over by a person.
  @Test(.enabled(if: environment["HEADROOM_CORPUS"] == "write", "writes a file of the sources"))
  func `the corpus is written`() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var lines: [String] = []
    for reader in Reader.allCases {
      let seeds = try reader.seeds.map(Reader.seed)
      for seed in UInt64(0)..<25 {
        let bytes = try Self.mutated(seeds[Int(seed) % seeds.count], of: reader, by: seed, folder)
        let entry = Entry(
          reader: reader, bytes: bytes, outcome: reader.outcome(of: bytes, in: folder))
        lines.append(String(decoding: try encoder.encode(entry), as: UTF8.self))
      }
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: Self.corpusPath, atomically: true, encoding: .utf8)
  }
}
