import Comparing
import Foundation
import OrderedCollections
import Quantities
import Records
import Testing

/// Which rows of other tools are one case, and which are two: what is no result and differs tells
/// them apart, in both files alike. Each input is of a kind that public reports describe.
@Suite struct ForeignCaseTests {
  private func read(_ text: String, _ name: String = "r") throws -> ResultSet {
    try ResultReader.parse(InputFile(Data(text.utf8), from: name, as: ResultReader.noun))
  }

  private func diff(_ base: String, _ head: String) throws -> Diff {
    Diff(try read(base, "b"), try read(head, "h"), noise: .unavailable("not calibrated"))
  }

  /// In whole percents, by name.
  private func changes(_ diff: Diff) -> [String: Int?] {
    Dictionary(
      uniqueKeysWithValues: diff.cells.map { cell in
        (cell.name, cell.change.map { Int(($0.median * 100).rounded()) })
      })
  }

  private static func llama(_ setting: String, _ nanoseconds: String) -> String {
    #"{"model_type":"m","n_prompt":512,"n_gen":0,"avg_ns":\#(nanoseconds),\#(setting)}"#
  }

  /// The rows change places between the files.
  @Test(arguments: [
    (#""split_mode":"layer""#, #""split_mode":"row""#, "split-mode=layer", "split-mode=row"),
    (#""use_mmap":true"#, #""use_mmap":false"#, "use-mmap=1", "use-mmap=0"),
    (#""n_cpu_moe":0"#, #""n_cpu_moe":8"#, "n-cpu-moe=0", "n-cpu-moe=8"),
    (
      #""tensor_split":"1.00""#, #""tensor_split":"0.5/0.5""#, "tensor-split=1.00",
      "tensor-split=0.5/0.5"
    ),
    (
      #""model_filename":"a.gguf""#, #""model_filename":"b.gguf""#, "model-filename=a.gguf",
      "model-filename=b.gguf"
    ),
    (
      #""future_option":[1,2]"#, #""future_option":["1 2"]"#, "future-option=[1 2]",
      "future-option=[\"1 2\"]"
    ),
  ])
  func `an option that was swept tells llama-bench's rows apart`(
    one: String, other: String, oneName: String, otherName: String
  ) throws {
    let found = try diff(
      Self.llama(one, "2e9") + "\n" + Self.llama(other, "4e9"),
      Self.llama(other, "2e9") + "\n" + Self.llama(one, "4e9"))
    let prefix = "llama-bench/model=m,test=pp512,"
    #expect(changes(found) == [prefix + oneName: 100, prefix + otherName: -50])
  }

  @Test func `a setting that only one file has in common with itself joins no other`() throws {
    let found = try diff(
      Self.llama(#""split_mode":"layer""#, "2e9"), Self.llama(#""split_mode":"row""#, "4e9"))
    #expect(found.cells.isEmpty)
    #expect(found.verdict == .nothingJudged)
    #expect(found.new.count == 1 && found.vanished.count == 1)
    #expect(found.notes.contains { $0.hasPrefix("split_mode is layer in base, row in head") })
  }

  @Test func `a setting that an older version does not know joins what it was left at`() throws {
    let found = try diff(Self.llama(#""a":1"#, "2e9"), Self.llama(#""a":1,"no_host":false"#, "2e9"))
    #expect(changes(found) == ["llama-bench/model=m,test=pp512": 0])
  }

  @Test func `what a build and its hour are called is no setting`() throws {
    let found = try diff(
      Self.llama(#""build_commit":"a","test_time":"1","stddev_ns":1"#, "2e9"),
      Self.llama(#""build_commit":"b","test_time":"2","stddev_ns":2"#, "3e9"))
    #expect(changes(found) == ["llama-bench/model=m,test=pp512": 50])
  }

  private static func google(_ rows: String...) -> String {
    #"{"context":{},"benchmarks":[\#(rows.joined(separator: ","))]}"#
  }

  @Test func `one name under two labels is two cases`() throws {
    let found = try diff(
      Self.google(
        #"{"name":"k","family_index":0,"label":"q4_0","real_time":100}"#,
        #"{"name":"k","family_index":1,"label":"q8_0","real_time":900}"#),
      Self.google(
        #"{"name":"k","family_index":0,"label":"q4_0","real_time":900}"#,
        #"{"name":"k","family_index":1,"label":"q8_0","real_time":100}"#))
    #expect(changes(found) == ["k [label=q4_0]": 800, "k [label=q8_0]": -89])
  }

  @Test func `one name registered twice is two cases, where the other side has as many`() throws {
    let two = [
      #"{"name":"k","family_index":3,"real_time":1}"#,
      #"{"name":"k","family_index":4,"real_time":9}"#,
    ]
    let later = [
      #"{"name":"k","family_index":7,"real_time":2}"#,
      #"{"name":"k","family_index":9,"real_time":9}"#,
    ]
    let found = try diff(Self.google(two[0], two[1]), Self.google(later[0], later[1]))
    #expect(
      changes(found) == ["k [registration=1 of 2]": 100, "k [registration=2 of 2]": 0])
    let fewer = try diff(Self.google(two[0], two[1]), Self.google(later[1]))
    #expect(fewer.cells.isEmpty && fewer.vanished.count == 2 && fewer.new.count == 1)
  }

  @Test func `a repetition that stands twice is told`() throws {
    let row = #"{"name":"k","repetition_index":0,"real_time":1}"#
    #expect(
      try read(Self.google(row, row)).notes == [
        "r: 'k' has a repetition twice: all its rows are taken together"
      ])
  }

  @Test func `rows that carry no time are no cases`() throws {
    let set = try read(
      Self.google(
        #"{"name":"S/64","run_name":"S/64","run_type":"iteration","real_time":128}"#,
        #"{"name":"S_BigO","run_name":"S","run_type":"aggregate","aggregate_name":"BigO","real_coefficient":2,"big_o":"N"}"#,
        #"{"name":"S_RMS","run_name":"S","run_type":"aggregate","aggregate_name":"RMS","rms":0.01}"#
      ))
    #expect(set.cases.keys == ["S/64"])
  }

  @Test func `numbers that are none in a counter are no matter`() throws {
    let set = try read(
      Self.google(
        #"{"name":"a","real_time":10,"tokens_per_second":Infinity,"x":-Infinity}"#,
        #"{"name":"a_cv","run_name":"a","run_type":"aggregate","aggregate_name":"cv","real_time":NaN}"#
      ))
    #expect(set.cases["a"]?.seconds == [1e-8])
  }

  @Test func `what both sides skipped is listed, and the rest is judged`() throws {
    let text = Self.google(
      #"{"name":"ok","real_time":10}"#,
      #"{"name":"amx","skipped":true,"skip_message":"needs AMX","real_time":0}"#)
    let found = try diff(text, text)
    #expect(found.cells.map(\.verdict) == [.cannotTell, .skipped])
    #expect(found.cells[1].reason == "base: needs AMX; head: needs AMX")
    #expect(found.verdict == .inconclusive)
    let skipped = Self.google(#"{"name":"amx","skip_message":"needs AMX"}"#)
    #expect(try diff(skipped, skipped).verdict == .nothingJudged)
  }

  private static func hyperfine(_ rows: String...) -> String {
    #"{"results":[\#(rows.joined(separator: ","))]}"#
  }

  @Test func `one command with several parameters is several cases`() throws {
    let set = try read(
      Self.hyperfine(
        #"{"command":"decode","times":[1.0],"parameters":{"threads":"1"}}"#,
        #"{"command":"decode","times":[0.5],"parameters":{"threads":"2"}}"#))
    #expect(set.cases.keys == ["decode [threads=1]", "decode [threads=2]"])
  }

  @Test func `a command that stands twice is taken together with a word`() throws {
    let row = #"{"command":"decode","times":[1.0]}"#
    let set = try read(Self.hyperfine(row, row))
    #expect(set.cases["decode"]?.seconds == [1, 1])
    #expect(set.notes.count == 1)
  }

  /// The other rows of the file are compared all the same.
  @Test(arguments: [
    (
      hyperfine(
        #"{"command":"decode","times":[1.0]}"#, #"{"command":"true","times":[0.0,0.0002]}"#),
      "true"
    ),
    (google(#"{"name":"decode","real_time":1}"#, #"{"name":"x","real_time":0}"#), "x"),
    (google(#"{"name":"decode","real_time":1}"#, #"{"name":"x","real_time":-3}"#), "x"),
    ("Benchmarkdecode 1 5 ns/op\nBenchmarkX 1 0 ns/op\n", "BenchmarkX"),
  ])
  func `a time of 0 leaves its own case without times`(text: String, name: String) throws {
    let found = try diff(text, text)
    let cell = try #require(found.cells.first { $0.name == name })
    #expect(cell.verdict == .cannotTell && cell.change == nil)
    #expect(cell.reason?.contains("gives one of its times as") == true)
    #expect(found.cells.contains { $0.name.hasSuffix("decode") && $0.change != nil })
  }

  @Test func `lines of Windows are lines`() throws {
    let base = "BenchmarkA-8 10 100 ns/op\nBenchmarkB-8 10 900 ns/op\n"
    let head = "BenchmarkA-8 10 100 ns/op\r\nBenchmarkB-8 10 1800 ns/op\n"
    #expect(changes(try diff(base, head)) == ["BenchmarkA-8": 0, "BenchmarkB-8": 100])
  }

  @Test func `names that settle on one text stay two cases`() throws {
    let set = try read(
      Self.hyperfine(
        #"{"command":"d","times":[1.0],"parameters":{"a":"x,y"}}"#,
        #"{"command":"d","times":[2.0],"parameters":{"a":"x;y"}}"#))
    #expect(set.cases.count == 2)
  }

  // MARK: What one side does not have

  @Test func `registrations are in the program's order, wherever they stand in the file`() throws {
    let (one, other) = (
      #"{"name":"k","family_index":0,"real_time":100}"#,
      #"{"name":"k","family_index":1,"real_time":900}"#
    )
    let found = try diff(Self.google(one, other), Self.google(other, one))
    #expect(changes(found).values.allSatisfy { $0 == 0 } && found.cells.count == 2)
  }

  @Test func `a label on one side alone is another case`() throws {
    let found = try diff(
      Self.google(#"{"name":"k","real_time":100}"#),
      Self.google(#"{"name":"k","label":"q8_0","real_time":900}"#))
    #expect(found.cells.isEmpty && found.new == ["k [label=q8_0]"] && found.vanished == ["k"])
  }

  @Test(arguments: ["NaN", "Infinity", "null", "0", "-1", "1e300", "1e-300"])
  func `a repetition without a time leaves its case without any, and says so`(time: String) throws {
    let bad = Self.google(
      #"{"name":"k","repetition_index":0,"real_time":5}"#,
      #"{"name":"k","repetition_index":1,"real_time":\#(time)}"#)
    let cell = try #require(try diff(bad, bad).cells.first)
    #expect(cell.verdict == .cannotTell && cell.reason?.contains("one of its times") == true)
  }

  @Test(arguments: ["NaN", "+Inf", "0", "-3"]) func `so does Go's`(time: String) throws {
    let text = "BenchmarkA-8 10 \(time) ns/op\nBenchmarkB-8 10 5 ns/op\n"
    let found = try diff(text, text)
    #expect(found.cells.map(\.name).sorted() == ["BenchmarkA-8", "BenchmarkB-8"])
    #expect(found.cells.contains { $0.name == "BenchmarkA-8" && $0.change == nil })
  }

  @Test(arguments: [
    "--- FAIL: BenchmarkA\nBenchmarkB-8 10 5 ns/op", "--- FAIL: BenchmarkA-8",
    "BenchmarkA-8   \t--- FAIL: BenchmarkA-8\n", "    --- FAIL: BenchmarkA-8",
    "--- FAIL: BenchmarkOther-8",
  ])
  func `what failed in head fails, whatever it is called`(head: String) throws {
    let found = try diff("BenchmarkA-8 10 100 ns/op\nBenchmarkB-8 10 5 ns/op", head)
    #expect(found.verdict == .failed)
    #expect(found.cells.contains { $0.reason == "head: go test says FAIL" })
  }

  @Test func `a benchmark of other units alone is listed without times`() throws {
    let found = try diff("BenchmarkB-8 10 55 ns/token\n", "BenchmarkB-8 10 5500 ns/token\n")
    #expect(found.cells.first?.reason?.contains("no ns/op") == true)
    #expect(found.verdict == .inconclusive)
  }

  @Test func `figures may stand on a line below what was printed`() throws {
    let set = try read("BenchmarkA-8   \nsome words\n   1000\t  123 ns/op\t 8.50 B/op\n")
    #expect(set.cases["BenchmarkA-8"]?.seconds.map { ($0 * 1e9).rounded() } == [123])
    #expect(set.cases["BenchmarkA-8"]?.counted == ["bytes per call": [9]])
  }

  @Test func `means and deviations of old versions are no cases`() throws {
    let set = try read(
      Self.google(
        #"{"name":"k","real_time":1}"#, #"{"name":"k","real_time":3}"#,
        #"{"name":"k_mean","real_time":2}"#, #"{"name":"k_stddev","real_time":9}"#))
    #expect(set.cases.keys == ["k"])
  }

  @Test func `an option that an older llama-bench lacks does not part its rows`() throws {
    let found = try diff(
      Self.llama(#""n_threads":2"#, "2e9"), Self.llama(#""n_threads":2,"flash_attn":false"#, "3e9"))
    #expect(changes(found) == ["llama-bench/model=m,test=pp512": 50])
  }

  /// Cases are paired by what was written, not by what is printed.
  @Test func `a comma and a semicolon are two labels`() throws {
    let (one, other) = (
      #"{"name":"k","label":"a,b","real_time":100}"#, #"{"name":"k","label":"a;b","real_time":900}"#
    )
    let found = try diff(Self.google(one, other), Self.google(other, one))
    #expect(found.cells.count == 2 && changes(found).values.allSatisfy { $0 == 0 })
    #expect(try diff(Self.google(one), Self.google(other)).cells.isEmpty)
  }

  @Test func `a run that a signal ended is no time`() throws {
    let text = Self.hyperfine(#"{"command":"a","times":[1.0,null],"exit_codes":[0,null]}"#)
    #expect(try diff(text, text).verdict == .failed)
    let untimed = Self.hyperfine(#"{"command":"a","times":[1.0,null]}"#)
    #expect(try diff(untimed, untimed).cells.first?.verdict == .cannotTell)
  }

  // MARK: Counts

  private static func go(_ bytes: [Int], allocations: Int = 10) -> String {
    bytes.map {
      "goos: linux\nBenchmarkA-8 1000 5000 ns/op \($0) B/op \(allocations) allocs/op\n"
    }.joined()
  }

  /// Go rounds means over calls to whole numbers.
  @Test(arguments: [
    ([1000, 1001, 1000], [9000, 9001, 9000], "1000–1001 → 9000–9001"), ([1000], [9000], "grew"),
    ([10, 10, 10, 10], [11, 11, 11, 11], "grew"), ([0, 0, 0, 0], [1, 1, 1, 1], "grew"),
    ([1000, 1000], [1016, 1016], "grew"), ([1000], [1001], nil),
    ([1000, 1000], [1001, 1001], nil),
    ([1000, 1004], [1005, 1003], nil), ([1000, 1004], [1006, 1008], nil),
    ([9000, 9001], [1000, 1001], "fell"),
  ])
  func `rounded means move where no run of one build strays so far`(
    base: [Int], head: [Int], outcome: String?
  ) throws {
    let found = try diff(Self.go(base), Self.go(head))
    let cell = try #require(found.cells.first)
    let change = cell.changes.first
    #expect((change != nil) == (outcome != nil))
    #expect(found.verdict == (outcome != nil && outcome != "fell" ? .regressed : .inconclusive))
    if outcome == nil { #expect(cell.unstable == ["bytes per call"]) }
    if base.count == 3 {
      #expect(change?.base == 1001 && change?.head == 9000)
      #expect(change?.baseSpan?.low == 1000 && change?.headSpan?.high == 9001)
    }
  }
}
