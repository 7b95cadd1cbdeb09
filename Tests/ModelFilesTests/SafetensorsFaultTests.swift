import Foundation
import Glibc
import ModelFiles
import Quantities
import Testing

/// Nothing of a file is trusted, and each refusal says what is wrong with which tensor.
@Suite struct SafetensorsFaultTests {
  private let scratch = Scratch()

  private func words(_ bytes: [UInt8]) throws -> String? {
    let path = try scratch.file(bytes)
    return fault { _ = try SafetensorsFile(path) }?.what
  }

  private static let field = #""dtype":"U8","shape":[1],"data_offsets":[0,1]"#

  @Test(arguments: 0..<8) func `a file shorter than 8 bytes is cut off`(count: Int) throws {
    let bytes = [UInt8](repeating: 0x20, count: count)
    #expect(
      try words(bytes)
        == "the safetensors file is cut off: it has \(count) byte\(count == 1 ? "" : "s"), "
        + "and its header's length takes 8")
  }

  @Test(
    arguments: [
      (
        [3, 0, 0, 0, 0, 0, 0, 0], "is cut off within its header: that has 3 bytes, and 2 are there"
      ),
      (
        [0, 225, 245, 5, 0, 0, 0, 0],
        "is cut off within its header: that has 100000000 bytes, and 2 are there"
      ),
      (
        [1, 225, 245, 5, 0, 0, 0, 0],
        "gives its header 100000001 bytes, and the format allows no more than 100000000"
      ),
      (
        [255, 255, 255, 255, 255, 255, 255, 127],
        "gives its header 9223372036854775807 bytes, and the format allows no more than 100000000"
      ),
      (
        [255, 255, 255, 255, 255, 255, 255, 255],
        "gives its header 18446744073709551615 bytes, and the format allows no more than 100000000"
      ),
      (
        [0, 0, 0, 0, 0, 0, 0, 128],
        "gives its header 9223372036854775808 bytes, and the format allows no more than 100000000"
      ),
    ] as [([UInt8], String)])
  func `a header longer than the file or the limit is refused`(length: [UInt8], words: String)
    throws
  {
    #expect(try self.words(length + Array("{}".utf8)) == "the safetensors file " + words)
  }

  @Test(arguments: [
    ("GGUF\u{3}\0\0\0…", "this is GGUF, not safetensors"),
    (
      "PK\u{3}\u{4}\0\0\u{8}\u{8}…",
      "this is a ZIP archive, as PyTorch's checkpoints are, not safetensors"
    ),
    (
      "version https://git-lfs.github.com/spec/v1\n",
      "this is the pointer that Git LFS leaves in place of a large file, not safetensors"
    ),
  ])
  func `files that are taken for one are named`(text: String, words: String) throws {
    #expect(try self.words(Array(text.utf8)) == words)
  }

  @Test(arguments: [
    ("", "the safetensors file has a header that does not begin with '{'"),
    (" {}", "the safetensors file has a header that does not begin with '{'"),
    ("nonsense", "the safetensors file has a header that does not begin with '{'"),
    ("{", "the header ends in the middle of a value"),
    ("{}}", "the header goes on after its end, at byte 2"),
    (#"{"a""#, "the header ends in the middle of a value"),
    (#"{"a":{}"#, "tensor 'a' has no 'dtype' in the header"),
    (#"{"a":1}"#, "the header's entry 'a' has no object at byte 5, where one must be"),
    (
      #"{"a":{"dtype":"U8""shape":[]}}"#,
      "the header's entry 'a' has no '}' at byte 18, where one must be"
    ),
    (#"{"a":{"dtype":U8}}"#, "the header's entry 'a' has no text at byte 14, where one must be"),
    (#"{"a":{"shape":[1 2]}}"#, "the header's entry 'a' has no ']' at byte 17, where one must be"),
    (#"{"a":{"x":nil}}"#, "the header's entry 'a' has no value at byte 10, where one must be"),
    (
      #"{"a":{"x":-}}"#,
      "the header's entry 'a' has a number at byte 10 that is not written as JSON's are"
    ),
    (
      #"{"a":{"x":01}}"#,
      "the header's entry 'a' has a number at byte 10 that is not written as JSON's are"
    ),
    (
      #"{"a":{"x":1.}}"#,
      "the header's entry 'a' has a number at byte 10 that is not written as JSON's are"
    ),
    (
      #"{"a":{"x":1e+}}"#,
      "the header's entry 'a' has a number at byte 10 that is not written as JSON's are"
    ),
    ("{\"a\u{1}\":{}}", "the header has a bare control character at byte 3"),
    (#"{"\q":{}}"#, "the header has an escape at byte 2 that stands for no character"),
    (#"{"\ud800x":{}}"#, "the header has an escape at byte 2 that stands for no character"),
    (#"{"\u12G4":{}}"#, "the header has an escape at byte 2 that stands for no character"),
  ])
  func `a header that is no JSON says where`(header: String, words: String) throws {
    #expect(try self.words(safetensors(header.utf8)) == words)
  }

  @Test func `a name's escapes stand for their characters`() throws {
    let name = #"\u0061\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00\u0000"#
    let file = try SafetensorsFile(
      scratch.file(safetensors(#"{"\#(name)":{\#(Self.field)}}"#.utf8, data: 1)))
    #expect(file.tensors.map(\.name) == ["a\"\\/\u{8}\u{C}\n\r\té😀\0"])
  }

  @Test func `a name that is no UTF-8 is refused`() throws {
    #expect(
      try words(safetensors(Array("{\"a".utf8) + [0xC3, 0x28] + Array("\":{}}".utf8)))
        == "the header has a text at byte 2 that is no UTF-8")
  }

  /// Swift sorts them whenever it compares strings: a million on one letter would take hours.
  @Test(arguments: [(15, true), (16, false), (1_000_000, false)])
  func `a name with endless marks on a letter is refused`(marks: Int, isRead: Bool) throws {
    let signs = ["\u{301}", "\u{316}"].map { String(repeating: $0, count: marks) }
    let words = try words(safetensors(#"{"e\#(signs.joined())":{\#(Self.field)}}"#.utf8, data: 1))
    #expect(
      words == (isRead ? nil : "the header has a text at byte 2 with endless marks on a letter"))
  }

  @Test(arguments: [
    (#"{"a":{\#(field)},"a":{\#(field)}}"#, "the header has the key 'a' twice in one object"),
    (#"{"a":{\#(field)},"\u0061":{\#(field)}}"#, "the header has the key 'a' twice in one object"),
    (
      #"{"a":{\#(field),"shape":[1]}}"#,
      "the header's entry 'a' has the key 'shape' twice in one object"
    ),
    (
      #"{"a":{\#(field),"x":[{"y":1,"y":1}]}}"#,
      "the header's entry 'a' has the key 'y' twice in one object"
    ),
    (#"{"__metadata__":{"x":"","x":""}}"#, "the header has the key 'x' twice in one object"),
    (
      #"{"__metadata__":{},"__metadata__":{}}"#,
      "the header has the key '__metadata__' twice in one object"
    ),
  ])
  func `a key that is there twice is refused at any depth`(header: String, words: String) throws {
    #expect(try self.words(safetensors(header.utf8, data: 1)) == words)
  }

  @Test(arguments: [63, 1_000_000]) func `values inside each other have an end`(depth: Int) throws {
    for (open, close) in [("[", "]"), (#"{"x":"#, "}")] {
      let deep =
        String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
      #expect(
        try words(safetensors(#"{"a":{\#(Self.field),"x":\#(deep)}}"#.utf8, data: 1))
          == "the header's entry 'a' has values more than 64 deep")
    }
  }

  @Test func `values inside each other are read to that depth`() throws {
    let deep = String(repeating: "[", count: 62) + String(repeating: "]", count: 62)
    #expect(try words(safetensors(#"{"a":{\#(Self.field),"x":\#(deep)}}"#.utf8, data: 1)) == nil)
  }

  @Test(arguments: [
    ("-1", "has a negative number at byte 28, where none can be"),
    ("-0", "has a negative number at byte 28, where none can be"),
    ("1.5", "has a number at byte 28 that is not written as a whole one"),
    ("1e3", "has a number at byte 28 that is not written as a whole one"),
    ("00", "has a number at byte 28 that is not written as JSON's are"),
    ("9223372036854775808", "has a number at byte 28 that is too large"),
    ("99999999999999999999999999", "has a number at byte 28 that is too large"),
    ("1e999", "has a number at byte 28 that is not written as a whole one"),
    (#""1""#, "has no whole number at byte 28, where one must be"),
    ("null", "has no whole number at byte 28, where one must be"),
    ("Infinity", "has no whole number at byte 28, where one must be"),
  ])
  func `a size that is no whole number is refused`(number: String, words: String) throws {
    let shape = #"{"a":{"dtype":"U8","shape":[\#(number)],"data_offsets":[0,1]}}"#
    #expect(try self.words(safetensors(shape.utf8, data: 1)) == "the header's entry 'a' " + words)
    let offset = #"{"a":{"data_offsets":[      \#(number),1],"dtype":"U8","shape":[1]}}"#
    #expect(try self.words(safetensors(offset.utf8, data: 1)) == "the header's entry 'a' " + words)
  }

  @Test(arguments: [
    (#""dtype":"U8","data_offsets":[0,1]"#, "has no 'shape' in the header"),
    (#""dtype":"U8","shape":[1]"#, "has no 'data_offsets' in the header"),
    (
      #""dtype":"U8","shape":[1],"data_offsets":[0]"#,
      "has 1 offset, where a beginning and an end must be"
    ),
    (
      #""dtype":"U8","shape":[1],"data_offsets":[0,1,1]"#,
      "has 3 offsets, where a beginning and an end must be"
    ),
    (
      #""dtype":"U8","shape":[1],"data_offsets":[4,3]"#,
      "begins at byte 4 of the data and ends before, at byte 3"
    ),
    (
      #""dtype":"U8","shape":[9],"data_offsets":[0,9]"#,
      "ends at byte 9 of the data, and 4 are there: the file is cut off"
    ),
    (
      #""dtype":"U8","shape":[1],"data_offsets":[0,9223372036854775807]"#,
      "ends at byte 9223372036854775807 of the data, and 4 are there: the file is cut off"
    ),
    (
      #""dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]"#,
      "has a shape that cannot be: 4294967296 × 4294967296"
    ),
    (
      #""dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]"#,
      "has 0 bytes, which do not fit its shape, 1152921504606846976 of F64"
    ),
    (
      #""dtype":"F16","shape":[3],"data_offsets":[0,4]"#,
      "has 4 bytes, which do not fit its shape, 3 of F16"
    ),
    (
      #""dtype":"F32","shape":[],"data_offsets":[0,1]"#,
      "has 1 byte, which do not fit its shape, a scalar of F32"
    ),
    (
      #""dtype":"F4","shape":[3],"data_offsets":[0,1]"#,
      "has 1 byte, which do not fit its shape, 3 of F4"
    ),
  ])
  func `a tensor whose fields do not agree is refused`(fields: String, words: String) throws {
    #expect(
      try self.words(safetensors(#"{"a":{\#(fields)}}"#.utf8, data: 4)) == "tensor 'a' " + words)
  }

  @Test(
    arguments: [
      ([0..<4, 4..<6], "the data goes on for 2 bytes after the last tensor"),
      ([0..<4, 3..<8], "tensor 'b' overlaps with tensor 'a'"),
      ([0..<8, 0..<8], "tensor 'b' overlaps with tensor 'a'"),
      ([0..<8, 4..<4], "tensor 'b' overlaps with tensor 'a'"),
      ([0..<3, 4..<8], "the data has a gap of 1 byte before tensor 'b'"),
      ([2..<8], "the data has a gap of 2 bytes before tensor 'a'"),
      ([4..<8, 0..<3], "the data has a gap of 1 byte before tensor 'a'"),
      ([], "the data goes on for 8 bytes after the last tensor"),
    ] as [([Range<Int>], String)])
  func `tensors that leave bytes over or share some are refused`(
    places: [Range<Int>], words: String
  )
    throws
  {
    let tensors = zip("abc", places).map { name, place in
      #""\#(name)":{"dtype":"I8","shape":[\#(place.count)],"data_offsets":[\#(place.lowerBound),\#(place.upperBound)]}"#
    }
    let header = "{\(tensors.joined(separator: ","))}"
    #expect(try self.words(safetensors(header.utf8, data: 8)) == words)
  }

  @Test func `a folder, a pipe, a device and what is not there are told apart`() throws {
    let pipe = scratch.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let expected: [String: ModelFileFault.Reason] = [
      scratch.folder: .folder, pipe: .noPlaces, "/dev/zero": .noPlaces,
      scratch.path("none"): .missing, "/dev/null/x": .missing, "": .missing,
    ]
    for (path, reason) in expected {
      do {
        _ = try SafetensorsFile(path)
        Issue.record("\(path) was read")
      } catch {
        #expect((error as? ModelFileFault)?.reason == reason, "\(path)")
        #expect((error as? ModelFileFault)?.path == path)
      }
    }
  }

  @Test(.enabled(if: geteuid() != 0, "nothing is forbidden to root"))
  func `a file that may not be read says so`() throws {
    let path = try scratch.file(safetensors("{}".utf8))
    chmod(path, 0)
    #expect(
      fault { _ = try SafetensorsFile(path) }?.what
        == "the model file may not be read: permission denied")
  }

  @Test func `a name that fills the screen is cut in the words`() throws {
    let name = String(repeating: "x", count: 100_000)
    let found = try #require(try words(safetensors(#"{"\#(name)":{}}"#.utf8)))
    #expect(found == "tensor '\(name.prefix(80))…' has no 'dtype' in the header")
  }
}
