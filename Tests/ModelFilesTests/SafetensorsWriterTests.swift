import Foundation
import Glibc
import ModelFiles
import Quantities
import Testing

@Suite struct SafetensorsWriterTests {
  private struct Stop: Error {}

  private let scratch = Scratch()

  private let small = SafetensorsEntry("small", shape: [2], values: [1, 2] as [Float])

  @Test func `what is written is read again`() throws {
    let weights: [Float] = [1.5, -0.0, .infinity, 0x1p-149]
    let path = scratch.path("x.safetensors")
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    try bytes.withUnsafeBytes { bytes in
      try SafetensorsWriter(
        [
          SafetensorsEntry("f32", shape: [2, 2], values: weights),
          SafetensorsEntry("f64", shape: [1], values: [0.1]),
          SafetensorsEntry("i64", shape: [], values: [Int64.min]),
          SafetensorsEntry("i32", .i32, shape: [2], bytes: bytes),
          SafetensorsEntry("bf16", .bf16, shape: [4], bytes: bytes),
          SafetensorsEntry("f4", .f4, shape: [16], bytes: bytes),
        ], metadata: ["format": "pt", "made by": "größe"]
      ).write(to: path)
    }
    let file = try SafetensorsFile(path)
    #expect(file.metadata == ["format": "pt", "made by": "größe"])
    #expect(file.tensors.map(\.name) == ["i64", "f64", "f32", "i32", "bf16", "f4"])
    #expect(file.tensors.map(\.shape) == [[], [1], [2, 2], [2], [4], [16]])
    let found: [Float] = try file.values(of: "f32")
    #expect(found.map(\.bitPattern) == weights.map(\.bitPattern))
    #expect(try file.values(of: "f64") == [0.1])
    #expect(try file.values(of: "i64") == [Int64.min])
    for name in ["i32", "bf16", "f4"] { #expect(try file.bytes(of: name) == bytes) }
  }

  @Test func `bytes may come in pieces`() throws {
    let pieces = SafetensorsEntry("x", .u8, shape: [300]) { take in
      for length in 0..<25 {
        try [UInt8](repeating: UInt8(length), count: length).withUnsafeBytes(take)
      }
    }
    let path = scratch.path("x.safetensors")
    try SafetensorsWriter([pieces]).write(to: path)
    #expect(
      try SafetensorsFile(path).bytes(of: "x")
        == (0..<25).flatMap { [UInt8](repeating: UInt8($0), count: $0) })
  }

  @Test func `the same input gives the same bytes, in whatever order it comes`() throws {
    let entries = (0..<50).map {
      SafetensorsEntry("layer.\($0)", shape: [1], values: [Float($0)])
    }
    let metadata = Dictionary(uniqueKeysWithValues: (0..<50).map { ("key \($0)", "\($0)") })
    try SafetensorsWriter(entries, metadata: metadata).write(to: scratch.path("a"))
    let others = Dictionary(uniqueKeysWithValues: metadata.reversed())
    try SafetensorsWriter(entries.reversed(), metadata: others).write(to: scratch.path("b"))
    #expect(try scratch.bytes("a") == scratch.bytes("b"))
  }

  @Test(arguments: [false, true])
  func `a writing that fails leaves what was there, and nothing else`(isThere: Bool) throws {
    if isThere { _ = try scratch.file([1, 2, 3], "x") }
    let failing = SafetensorsEntry("z", .u8, shape: [4]) { take in
      try [1, 2].withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[..<2])) }
      throw Stop()
    }
    let path = scratch.path("x")
    #expect(throws: Stop.self) { try SafetensorsWriter([small, failing]).write(to: path) }
    #expect(scratch.names == (isThere ? ["x"] : []))
    if isThere { #expect(try scratch.bytes("x") == [1, 2, 3]) }
  }

  /// Beyond the process's limit the system refuses a write, as it does on a full disk.
  @Test func `a disk that takes no more leaves nothing`() async throws {
    let folder = scratch.folder
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let large = SafetensorsEntry("x", shape: [1000], values: [Float](repeating: 1, count: 1000))
      let words = fault { try SafetensorsWriter([large]).write(to: folder + "/x") }?.what
      exit(words == "it cannot be written: File too large" ? 0 : 1)
    }
    #expect(scratch.names == [])
  }

  @Test(arguments: [0, 3, 5]) func `a tensor is given as many bytes as its shape takes`(count: Int)
    throws
  {
    let path = scratch.path("x")
    let wrong = SafetensorsEntry("w", .u8, shape: [2, 2]) { take in
      try [UInt8](repeating: 0, count: count).withUnsafeBytes(take)
    }
    #expect(
      fault { try SafetensorsWriter([small, wrong]).write(to: path) }?.what
        == "tensor 'w' was given \(count) bytes, and its shape takes 4")
    #expect(scratch.names == [])
  }

  @Test func `names that cannot be told apart when they are read are refused`() throws {
    func words(_ names: String...) -> String? {
      let entries = names.map { SafetensorsEntry($0, shape: [], values: [1 as Float]) }
      return fault { try SafetensorsWriter(entries).write(to: scratch.path("x")) }?.what
    }
    #expect(words("a", "b", "a") == "tensor 'a' is to be written twice")
    #expect(words("\u{E9}", "e\u{301}")?.hasSuffix("is to be written twice") == true)
    #expect(words("__metadata__") == "tensor '__metadata__' has the name of the header's own entry")
    #expect(scratch.names == [])
  }

  @Test(arguments: [[1 << 62, 4], [1 << 61]])
  func `a shape that cannot be is refused`(shape: [Int]) {
    let entry = SafetensorsEntry("x", .f64, shape: shape) { _ in }
    #expect(
      fault { try SafetensorsWriter([entry]).write(to: scratch.path("x")) }?.what
        == "tensor 'x' has a shape that cannot be: \(shape.map { "\($0)" }.joined(separator: " × "))"
    )
  }

  @Test func `a link stays, and its file is replaced with its mode`() throws {
    let target = try scratch.file([1], "target")
    try #require(chmod(target, 0o600) == 0 && symlink("target", scratch.path("link")) == 0)
    try SafetensorsWriter([small]).write(to: scratch.path("link"))
    #expect(try SafetensorsFile(target).tensors.map(\.name) == ["small"])
    #expect(scratch.names == ["link", "target"])
    var found = stat()
    #expect(lstat(scratch.path("link"), &found) == 0 && found.st_mode & S_IFMT == S_IFLNK)
    #expect(stat(target, &found) == 0 && found.st_mode & 0o777 == 0o600)
  }

  @Test func `a draft that a killed writer left is taken by the next one`() throws {
    let path = scratch.path("x")
    var draft = ""
    let failing = SafetensorsEntry("x", .u8, shape: [1]) { _ in
      draft = scratch.names[0]
      throw Stop()
    }
    #expect(throws: Stop.self) { try SafetensorsWriter([failing]).write(to: path) }
    _ = try scratch.file([UInt8](repeating: 1, count: 10_000), draft)
    try SafetensorsWriter([small]).write(to: path)
    #expect(scratch.names == ["x"])
    #expect(try SafetensorsFile(path).tensors.count == 1)
  }

  @Test func `two writers of one file do not meet`() throws {
    let path = scratch.path("x")
    let other = small
    let nested = SafetensorsEntry("n", .u8, shape: [0]) { _ in
      try SafetensorsWriter([other]).write(to: path)
    }
    #expect(
      fault { try SafetensorsWriter([nested]).write(to: path) }
        == Fault(
          "another program is writing it", at: path, fix: "try again when it has ended"))
    #expect(scratch.names == [])
  }

  @Test func `a folder, a device and a folder that is not there are faults`() throws {
    func words(_ path: String) -> String? {
      fault { try SafetensorsWriter([small]).write(to: path) }?.what
    }
    #expect(words(scratch.folder) == "it cannot be written: it is a folder")
    #expect(words("/dev/null") == "it cannot be written: it is a pipe or a device")
    #expect(words(scratch.path("a/b")) == "it cannot be written: No such file or directory")
    #expect(words("") == "it cannot be written: No such file or directory")
    #expect(scratch.names == [])
  }
}
