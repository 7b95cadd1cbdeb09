import Foundation
import OrderedCollections
import Quantities
import Records
import Testing

@Suite struct WholeCodingTests {
  private static let record = Specimen.record(run: 7)

  /// Each stored property of each value, wherever it lies, is the same after a round trip.
  @Test func `nothing of a record is lost`() throws {
    let back = try JSONText.decode(Record.self, from: JSONText.encode(Self.record))
    #expect(flattened(back) == flattened(Self.record))
    #expect(!flattened(Self.record).contains { $0.hasSuffix("= nil") })
  }

  @Test func `nothing of a header is lost`() throws {
    let back = try JSONText.decode(RunHeader.self, from: JSONText.encode(Specimen.header))
    #expect(flattened(back) == flattened(Specimen.header))
    #expect(back.seed == .max)
    #expect(!flattened(Specimen.header).contains { $0.hasSuffix("= nil") })
  }

  @Test func `a header of a suite without claims has no word of them, and is read`() throws {
    var header = Specimen.header
    header.suite.claims = nil
    let data = try JSONText.encode(header)
    #expect(!String(decoding: data, as: UTF8.self).contains("claims"))
    #expect(try JSONText.decode(RunHeader.self, from: data).suite.claims == nil)
  }

  @Test func `a record that was skipped stays as bare as it was`() throws {
    let skipped = Record(
      case: Case(workload: "w", axes: ["n": .number(2)]), run: 0,
      outcome: .skipped(reason: "why"))
    let data = try JSONText.encode(skipped)
    #expect(flattened(try JSONText.decode(Record.self, from: data)) == flattened(skipped))
    #expect(
      String(decoding: data, as: UTF8.self)
        == #"{"case":{"axes":{"n":2},"id":"w/n=2","workload":"w"},"merged":[],"#
        + #""outcome":{"name":"skipped","reason":"why"},"run":0}"#)
  }

  @Test func `all keys of the program's own are snake case`() throws {
    for data in [try JSONText.encode(Self.record), try JSONText.encode(Specimen.header)] {
      let keys = keys(of: try JSONSerialization.jsonObject(with: data))
      #expect(
        keys.filter { $0.contains { !"abcdefghijklmnopqrstuvwxyz0123456789_".contains($0) } } == [])
    }
  }

  @Test func `roles are keys in snake case wherever they stand`() throws {
    let text = String(decoding: try JSONText.encode(Self.record), as: UTF8.self)
    #expect(text.contains(#""live":{"kv_cache":3}"#))
    #expect(text.contains(#""phases":{"run":{"kv_cache":3,"weights":4}}"#))
    #expect(!text.contains("kvCache\":"))
  }

  @Test func `names that users and systems give are written as they are`() throws {
    let text = String(decoding: try JSONText.encode(Specimen.header), as: UTF8.self)
    #expect(text.contains(#""notes":{"aNote":"x","a_note":"y","kebab-note":"z"}"#))
    let record = String(decoding: try JSONText.encode(Self.record), as: UTF8.self)
    #expect(record.contains(#""allocator":{"tcmalloc.currentBytes":{"value":9}}"#))
    #expect(
      record.contains(#""counters":{"branch-misses":{"unavailable":"none here"},"l1dMisses""#))
  }

  /// Maps whose keys are not the program's.
  private static let free: Set<String> = [
    "axes", "notes", "environment", "counters", "allocator", "read_by",
  ]

  private func keys(of json: Any) -> [String] {
    if let list = json as? [Any] { return list.flatMap(keys) }
    guard let object = json as? [String: Any] else { return [] }
    return object.flatMap { name, value in
      [name] + (Self.free.contains(name) ? [] : keys(of: value))
    }
  }

  /// Every leaf with its path, dictionaries in the order of their keys.
  private func flattened(_ value: Any, _ path: String = "") -> [String] {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional, mirror.children.isEmpty { return ["\(path) = nil"] }
    if mirror.displayStyle == .dictionary {
      let pairs = mirror.children.map { child -> (String, Any) in
        let pair = Array(Mirror(reflecting: child.value).children)
        return ("\(pair[0].value)", pair[1].value)
      }
      return pairs.sorted { $0.0 < $1.0 }.flatMap { flattened($0.1, "\(path)[\($0.0)]") }
    }
    if mirror.children.isEmpty { return ["\(path) = \(value)"] }
    return mirror.children.enumerated().flatMap { index, child in
      flattened(child.value, "\(path).\(child.label ?? String(index))")
    }
  }
}

@Suite struct CaseEdgeTests {
  @Test(arguments: [
    "w/", "matmul/m=1", "matmul/m=-3,note=", "attention/kv-heads=8,mask=causal,bits=4",
    "w/path=a/b,expression=x=y",
  ])
  func `an id is read as it was written`(id: String) {
    #expect(Case(id: id)?.id == id)
  }

  @Test(arguments: [
    "", "/", "/m=1", "matmul", "matmul/m", "matmul/=1", "matmul/m=1,,n=2", "w/m=1,",
  ])
  func `what is no id is none`(id: String) { #expect(Case(id: id) == nil) }

  @Test func `an id that is none is refused in JSON by its words`() {
    #expect {
      try JSONText.decode(Case.self, from: Data(#"{"id":"matmul","workload":"w","axes":{}}"#.utf8))
    } throws: {
      "\($0)".contains("'matmul' is not a case id")
    }
  }

  /// POSIX: all is literal between single quotes, but the single quote itself.
  @Test(arguments: [
    ("8GiB", "8GiB"), ("a b", "'a b'"), ("$HOME", "'$HOME'"), ("a;b", "'a;b'"), ("*", "'*'"),
    ("'", #"''\'''"#), ("a'b'c", #"'a'\''b'\''c'"#), ("µ", "'µ'"),
    ("a/b:c+d-e_f.g", "a/b:c+d-e_f.g"),
  ])
  func `a value is quoted where a shell would take it apart`(value: String, quoted: String) {
    let odd = Case(workload: "w", axes: ["axis": .word(value)])
    #expect(odd.repro == "headroom sweep --workload w -a axis=\(quoted)")
  }

  @Test func `numbers and words come back as what they were`() throws {
    let values: [AxisValue] = [.number(-3), .word("bf16"), .word("4x"), .number(0)]
    #expect(try JSONText.decode([AxisValue].self, from: JSONText.encode(values)) == values)
    #expect(AxisValue("12") == .number(12))
    #expect(AxisValue("12k") == .word("12k"))
  }

  @Test(arguments: [
    #"{"name":"melted"}"#, #"{"name":"out-of-memory","kind":"none","reason":""}"#, "{}",
    #"{"name":"crashed","reason":"no signal"}"#,
  ])
  func `what is no outcome is refused`(json: String) {
    #expect(throws: DecodingError.self) {
      try JSONText.decode(Outcome.self, from: Data(json.utf8))
    }
  }

  @Test func `a table tells kinds apart`() {
    #expect("\(Outcome.outOfMemory(.limit, reason: ""))" == "out-of-memory(limit)")
    #expect("\(Outcome.crashed(signal: "SIGBUS", reason: ""))" == "crashed(SIGBUS)")
    #expect("\(Outcome.ok)" == "ok")
  }
}
