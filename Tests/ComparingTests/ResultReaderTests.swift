import Comparing
import Foundation
import OrderedCollections
import Quantities
import Records
import Testing

struct ResultReaderTests {
  private func parse(_ text: String) throws -> ResultSet {
    try ResultReader.parse(InputFile(Data(text.utf8), from: "r", as: ResultReader.noun))
  }

  @Test func `google-benchmark's repetitions are one value, its aggregates none`() throws {
    let set = try parse(
      """
      {"context": {"num_cpus": 8, "caches": [{"type": "Data", "level": 1, "size": 32768}]},
       "benchmarks": [
        {"name": "BM_a/8", "run_name": "BM_a/8", "run_type": "iteration", "repetition_index": 0,
         "real_time": 30, "cpu_time": 9, "time_unit": "us", "allocs_per_iter": 2},
        {"name": "BM_a/8", "run_name": "BM_a/8", "run_type": "iteration", "repetition_index": 1,
         "real_time": 10, "cpu_time": 9, "time_unit": "us", "allocs_per_iter": 2},
        {"name": "BM_a/8", "run_name": "BM_a/8", "run_type": "iteration", "repetition_index": 2,
         "real_time": 20, "cpu_time": 9, "time_unit": "us", "allocs_per_iter": 2},
        {"name": "BM_a/8_mean", "run_name": "BM_a/8", "run_type": "aggregate",
         "aggregate_name": "mean", "real_time": 77, "time_unit": "us"},
        {"name": "BM_b", "run_name": "BM_b", "run_type": "iteration", "error_occurred": true,
         "error_message": "no device"}]}
      """)
    #expect(set.tool == .googleBenchmark)
    #expect(set.machine == .described(["processors": "8", "L1 data": "32768"]))
    #expect(set.cases.keys == ["BM_a/8", "BM_b"])
    #expect(set.cases["BM_a/8"]?.seconds.map { ($0 * 1e9).rounded() } == [20_000])
    #expect(set.cases["BM_a/8"]?.counted == ["allocations": [2]])
    #expect(set.cases["BM_b"]?.failure == "no device")
  }

  @Test func `google-benchmark's median stands in where repetitions were left out`() throws {
    let set = try parse(
      """
      {"context": {}, "benchmarks": [
        {"name": "a_mean", "run_name": "a", "run_type": "aggregate", "aggregate_name": "mean",
         "real_time": 5, "time_unit": "ms"},
        {"name": "a_median", "run_name": "a", "run_type": "aggregate",
         "aggregate_name": "median", "real_time": 4, "time_unit": "ms"}]}
      """)
    #expect(set.cases["a"]?.seconds == [4e-3])
  }

  private static let llama =
    #""cpu_info": "A", "gpu_info": "", "backends": "CPU", "model_type": "llama 1B Q4_0", "#
    + #""model_size": 700, "n_batch": 2048, "n_ubatch": 512, "n_threads": 2, "type_k": "f16", "#
    + #""type_v": "f16", "n_gpu_layers": 99, "flash_attn": false"#

  private static let rows = [
    "{\(llama), \"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": 9, \"samples_ns\": [1, 3, 2]}",
    "{\(llama), \"n_prompt\": 0, \"n_gen\": 128, \"n_depth\": 4096, \"avg_ns\": 5e9}",
  ]

  @Test(arguments: ["[\(rows.joined(separator: ","))]", rows.joined(separator: "\n")])
  func `llama-bench's rows are read from JSON and from JSON Lines`(text: String) throws {
    let set = try parse(text)
    #expect(set.tool == .llamaBench)
    #expect(
      set.cases.keys == [
        "llama-bench/model=llama 1B Q4_0,test=pp512",
        "llama-bench/model=llama 1B Q4_0,test=tg128@d4096",
      ])
    #expect(set.cases.values.map(\.seconds) == [[2e-9], [5]])
    #expect(set.cases.values.allSatisfy { $0.counted == ["model bytes": [700]] })
  }

  @Test func `hyperfine's runs are processes`() throws {
    let set = try parse(
      """
      {"results": [{"command": "sleep 1", "mean": 1.0, "median": 1.0, "times": [1.1, 0.9],
        "exit_codes": [0, 0]}, {"command": "false", "times": [0.1], "exit_codes": [1]}]}
      """)
    #expect(set.tool == .hyperfine)
    #expect(set.machine == nil)
    #expect(set.cases["sleep 1"]?.seconds == [1.1, 0.9])
    #expect(set.cases["false"]?.failure == "a run of it left with 1")
  }

  @Test func `Go's lines of one process are one value`() throws {
    let set = try parse(
      """
      goos: linux
      goarch: amd64
      pkg: example.com/a
      cpu: Some CPU
      BenchmarkX-8   1000   3000 ns/op   56 B/op   7 allocs/op
      BenchmarkX-8   1000   1000 ns/op   56 B/op   7 allocs/op
      BenchmarkX-8   1000   2000 ns/op   56 B/op   7 allocs/op
      PASS
      ok   example.com/a 1.2s
      goos: linux
      goarch: amd64
      pkg: example.com/a
      cpu: Some CPU
      BenchmarkX-8   1000   5000.5 ns/op   56 B/op   8 allocs/op
      """)
    #expect(set.tool == .goBenchmark)
    #expect(set.machine == .described(["goos": "linux", "goarch": "amd64", "cpu": "Some CPU"]))
    let found = try #require(set.cases["example.com/a.BenchmarkX-8"])
    #expect(found.seconds.map { ($0 * 1e10).rounded() } == [20_000, 50_005])
    #expect(found.counted == ["bytes per call": [56], "allocations": [7, 8]])
  }

  @Test(arguments: [
    ("", "no results in it"), ("hello\n", "no tool that is known"),
    (#"{"a": 1}"#, "no tool that is known"), ("{\"results\": [{\"co", "is cut off"),
    (#"{"results": [{"times": [1]}]}"#, "'command' is missing at results.[0]"),
    (
      #"{"context": {}, "benchmarks": [{"name": "a", "real_time": 1, "time_unit": "h"}]}"#,
      "the time unit 'h'"
    ),
    ("[]", "no results in it"), ("BenchmarkX 10 x ns/op\n", "the time x ns/op"),
    (#"{"schema": "headroom.run/9"}"#, "schema 'headroom.run/9'"),
    (#"{"schema": "headroom.gate/1"}"#, "is missing at the top"),
  ])
  func `what cannot be read says why and where`(text: String, words: String) {
    do {
      _ = try parse(text)
      Issue.record("it was read")
    } catch let fault as any FaultConvertible {
      #expect(fault.fault.description.contains(words), "\(fault.fault)")
      #expect(fault.fault.place?.hasPrefix("r") == true)
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func `a folder holds a process a file`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "results-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for time in 1...3 {
      try Data(
        #"{"context": {}, "benchmarks": [{"name": "a", "real_time": \#(time)}]}"#.utf8
      ).write(to: folder.appendingPathComponent("\(time).json"))
    }
    #expect(
      try ResultReader.read(folder.path).cases["a"]?.seconds.map { ($0 * 1e9).rounded() }
        == [1, 2, 3])
    // A copy is no further process.
    try FileManager.default.copyItem(
      at: folder.appendingPathComponent("1.json"), to: folder.appendingPathComponent("3b.json"))
    let copied = try ResultReader.read(folder.path)
    #expect(copied.cases["a"]?.seconds.count == 3 && copied.notes.count == 1)
    try Data("BenchmarkX 10 7 ns/op\n".utf8).write(to: folder.appendingPathComponent("4.txt"))
    #expect(throws: ResultFault.self) { try ResultReader.read(folder.path) }
  }
}
