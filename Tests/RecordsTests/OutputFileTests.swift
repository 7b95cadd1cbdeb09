import Foundation
import Quantities
import Records
import Testing

@Suite struct OutputFileTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"

  private func path(_ name: String) -> String { folder + "/" + name }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  private func write(_ text: String, _ name: String, mayReplace: Bool = false) throws {
    try OutputFile(path(name), mayReplace: mayReplace).write(Data(text.utf8))
  }

  @Test func `a new file is made, with the folders above it`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("a", "one/two/x")
    #expect(try text("one/two/x") == "a")
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("one/two")) == ["x"])
  }

  @Test func `what is there stays, unless it is to be replaced or is empty`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("a", "x")
    #expect(throws: OutputFault.exists(path("x"))) { try write("b", "x") }
    #expect(try text("x") == "a")
    try write("b", "x", mayReplace: true)
    #expect(try text("x") == "b")
    try write("", "empty")
    try write("c", "empty")
    #expect(try text("empty") == "c")
  }

  @Test func `what is read is never written to, by whatever name`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("raw", "x")
    try FileManager.default.createSymbolicLink(
      atPath: path("link"), withDestinationPath: path("x"))
    for name in ["x", "link", "./x"] {
      #expect(throws: OutputFault.isInput(path(name))) {
        try OutputFile(path(name), mayReplace: true).check(inputs: [path("x")])
      }
    }
    try OutputFile(path("y"), mayReplace: true).check(inputs: [path("x")])
  }

  @Test func `a link stays, and its file is replaced with its mode`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("a", "x")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("x"))
    try FileManager.default.createSymbolicLink(
      atPath: path("link"), withDestinationPath: path("x"))
    try write("b", "link", mayReplace: true)
    #expect(try text("x") == "b")
    #expect(
      try FileManager.default.attributesOfItem(atPath: path("x"))[.posixPermissions] as? Int
        == 0o600)
  }

  /// A draft that a killed writer left takes no room for ever.
  @Test func `a draft that was left is taken by the next writer`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("a", "x")
    let draft = path(".headroom-draft-" + Digest(Data("x".utf8)).text)
    try "half".write(toFile: draft, atomically: false, encoding: .utf8)
    try write("b", "x", mayReplace: true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x"])
  }

  @Test func `a full disk, a folder and no name are faults`() throws {
    func words(_ path: String) -> String? {
      do {
        try OutputFile(path, mayReplace: true).write(Data("a".utf8))
        return nil
      } catch {
        return (error as? OutputFault)?.fault.what
      }
    }
    #expect(words("/dev/full") == "it cannot be written: No space left on device")
    #expect(words("/tmp") == "it cannot be written: it is a folder")
    #expect(words("") == "it cannot be written: No such file or directory")
    #expect(words("/proc/none/x")?.hasPrefix("it cannot be written: ") == true)
    #expect(words("/dev/null") == nil)
  }

  @Test func `adding goes behind what is there`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("a", "x")
    for _ in 0..<2 { try OutputFile(path("x"), mayReplace: true).append(Data("b".utf8)) }
    #expect(try text("x") == "abb")
  }
}
