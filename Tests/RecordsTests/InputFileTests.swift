import Foundation
import Quantities
import Records
import Testing

@Suite struct InputFileTests {
  private func read(_ bytes: [UInt8]) throws -> InputFile {
    try InputFile(Data(bytes), from: "f", as: "run file")
  }

  private func reason(_ body: () throws -> Void) -> InputFault.Reason? {
    do {
      try body()
      return nil
    } catch {
      return (error as? InputFault)?.reason
    }
  }

  @Test(arguments: [
    ("a\r\nb\r\n", "a\nb\n"), ("a\r\nb\nc", "a\nb\nc"), ("a\rb", "a\nb"), ("a\r\r\nb", "a\n\nb"),
    ("\r\n\r\n", "\n\n"), ("\u{FEFF}a", "a"), ("\u{FEFF}a\r\nü\r", "a\nü\n"), ("a\n", "a\n"),
  ])
  func `line ends are one character, and a byte-order mark is none`(raw: String, text: String)
    throws
  {
    let input = try read(Array(raw.utf8))
    #expect(input.text == text)
    #expect(Array(input.bytes) == Array(text.utf8))
    #expect(input.raw == Data(raw.utf8))
  }

  @Test(
    arguments: [
      [0xFF, 0xFE, 0x7B, 0x00], [0xFE, 0xFF, 0x00, 0x7B], [0x7B, 0x00, 0x22, 0x00],
      [0x00, 0x7B, 0x00, 0x22],
    ] as [[UInt8]])
  func `UTF-16 is refused by its name`(bytes: [UInt8]) {
    #expect(reason { _ = try read(bytes) } == .utf16)
  }

  @Test(
    arguments: [
      [0x1F, 0x8B, 0x08], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58], [0x42, 0x5A, 0x68],
    ] as [[UInt8]])
  func `what is compressed is refused by its name`(bytes: [UInt8]) {
    #expect(reason { _ = try read(bytes + [1, 2, 3]) } == .compressed)
  }

  @Test func `bytes that are no text are named by their line`() {
    #expect(reason { _ = try read(Array("a\nb".utf8) + [0xE9, 0x0A]) } == .notUTF8(line: 2))
  }

  @Test func `a missing file, a folder and a name below a file are told apart`() {
    #expect(reason { _ = try InputFile("/no/such", as: "suite") } == .missing)
    #expect(reason { _ = try InputFile("/", as: "suite") } == .folder)
    #expect(reason { _ = try InputFile("/dev/null/x", as: "suite") } == .missing)
    #expect(
      InputFault(path: "p", noun: "suite", reason: .noPermission).fault.what
        == "the suite may not be read: permission denied")
  }

  @Test func `an input that does not end is refused`() {
    #expect(
      reason { _ = try InputFile("/dev/zero", as: "suite", atMost: .mebibytes(2)) }
        == .tooLarge(.mebibytes(2)))
  }

  @Test func `a pipe is read to its end`() throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data("one\r\ntwo".utf8))
    try pipe.fileHandleForWriting.close()
    let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
    #expect(try InputFile(path, as: "run file").text == "one\ntwo")
  }
}

@Suite struct StoredJSONTests {
  private struct Value: Codable, Equatable {
    var count: Int?
    var seed: UInt64?
    var text: String?
    var list: [Double]?
  }

  private func reason(_ text: String) -> InputFault.Reason? {
    do {
      _ = try StoredJSON.decode(Value.self, from: Data(text.utf8))
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    #"{"count": 9999999999999999}"#, #"{"seed": 18446744073709551615}"#,
    #"{"text": "9223372036854775807 } ] \" {"}"#, #"{"list": [1e300, 12345678901234567e-3]}"#,
    #"{"list": [0.12345678901234567890]}"#,
  ])
  func `what can be is read`(text: String) { #expect(reason(text) == nil) }

  /// Sums of thousands of numbers below this bound stay within 64 bits.
  @Test(arguments: ["9223372036854775807", "-9223372036854775808", "12345678901234567"])
  func `a number that cannot be is refused with its key`(number: String) {
    #expect(
      reason(#"{"count": \#(number)}"#) == .wrong("'count' holds a number that cannot be"))
  }

  @Test(arguments: [
    ("{\"text\": \"a", InputFault.Reason.cutOff), ("{\"list\": [1, 2", .cutOff), ("{", .cutOff),
    ("{\"text\": \"a\\", .cutOff), ("  \n", .empty), ("", .empty),
  ])
  func `cut off and empty are told apart`(text: String, expected: InputFault.Reason) {
    #expect(reason(text) == expected)
  }

  @Test(arguments: [
    (#"{"schema": "a/1"}"#, "a/1"), (#"{"x": {"schema": "b"}, "schema":"a\/1"}"#, "a/1"),
    (#"{"x": ["schema", "b"], "y": "schema", "sch\u0065ma": "a/1", "#, "a/1"),
    ("{\"schema\": \"a/1\"}\n{\"schema\": \"b\"}", "a/1"), (#"{"schema": 1}"#, nil),
    (#"{"x": "schema", "schema"#, nil), ("", nil), ("[]", nil),
  ])
  func `the schema is that of the first object's own key`(text: String, schema: String?) {
    #expect(StoredJSON.schema(of: Data(text.utf8)) == schema)
  }

  @Test(arguments: [129, 100_000]) func `a hundred values inside each other are enough`(depth: Int)
  {
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(reason(text) == .wrong("its values are more than 128 deep"))
  }

  @Test(arguments: [
    (#"{"count": "x"}"#, "count is not of the kind it must be"), ("{]}", "it is not whole JSON"),
    (#"{"list": [1e999]}"#, "it is not whole JSON"), ("nonsense", "it is not whole JSON"),
  ])
  func `what is wrong says where`(text: String, words: String) {
    #expect(reason(text) == .wrong(words))
  }
}
