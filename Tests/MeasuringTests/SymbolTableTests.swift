import Foundation
import Glibc
import Measuring
import Quantities
import Records
import Testing

/// Names of this process's own libraries.
@Suite struct SymbolTableTests {
  private static func table() throws -> SymbolTable {
    let maps = try #require(FileSource.system.text("/proc/self/maps"))
    let text = "heap profile: 0: 0 [0: 0] @ heapprofile\n\nMAPPED_LIBRARIES:\n" + maps
    let file = try InputFile(Data(text.utf8), from: "p", as: "heap profile")
    return SymbolTable(try HeapProfileReader.parse(file).mappings)
  }

  /// Each has one name alone at its address.
  @Test(arguments: [("getenv", "libc.so"), ("MallocExtension_ReleaseFreeMemory", "libtcmalloc")])
  func `an exported function is named, with its object`(name: String, object: String) throws {
    let address = try #require(dlsym(nil, name))
    let frame = try Self.table().frame(returningTo: UInt64(UInt(bitPattern: address)) + 2)
    #expect(frame.function == name)
    #expect(frame.object.hasPrefix(object))
  }

  /// The instruction before it is another function's, or none's.
  @Test func `an address is looked for in the call before it`() throws {
    let address = try #require(dlsym(nil, "getenv"))
    let frame = try Self.table().frame(returningTo: UInt64(UInt(bitPattern: address)))
    #expect(frame.function != "getenv")
  }

  @Test func `an address that nothing is mapped at has no name`() throws {
    #expect(
      try Self.table().frame(returningTo: 0x10) == ProgramFrame(function: nil, object: "unmapped"))
  }

  /// The test bundle itself.
  @Test func `a function of this file is named as it was written`() throws {
    let own: @convention(c) (Int32) -> Int32 = { number in number / 3 }
    let address = UInt64(UInt(bitPattern: unsafeBitCast(own, to: Int.self)))
    let frame = try Self.table().frame(returningTo: address + 1)
    #expect(frame.function?.contains("SymbolTableTests") == true, "\(frame)")
  }

  /// A debugger, or another session of this table, maps whole files to read them.
  @Test func `a library that is mapped as data, too, begins before its code`() {
    func map(_ start: UInt64, _ offset: UInt64, _ isExecutable: Bool = false) -> HeapProfile.Mapping
    {
      .init(
        start: start, end: start + 0x1000, offset: offset, isExecutable: isExecutable, path: "/l.so"
      )
    }
    let mappings = [
      map(0x1000, 0), map(0x5000, 0), map(0x6000, 0x1000, true), map(0x7000, 0x2000),
      map(0x9000, 0),
    ]
    #expect(SymbolTable.objects(mappings) == [.init(path: "/l.so", start: 0x5000)])
  }
}
