import Foundation
import Measuring
import Quantities
import Records
import Testing

@Suite struct HeapProfileTests {
  static let libraries = """

    MAPPED_LIBRARIES:
    1000-2000 r-xp 00000000 00:00 1 /usr/bin/a program
    2000-3000 rw-p 00001000 00:00 0

    """

  static func parse(_ text: String) throws -> HeapProfile {
    try HeapProfileReader.parse(InputFile(Data(text.utf8), from: "p.heap", as: "heap profile"))
  }

  private static func reason(_ text: String) -> HeapProfileFault.Reason? {
    do {
      _ = try parse(text)
      return nil
    } catch {
      return (error as? HeapProfileFault)?.reason
    }
  }

  @Test func `what is in use stands before the bracket, and addresses behind it`() throws {
    let profile = try Self.parse(
      "heap profile: 2: 300 [ 9: 900] @ heapprofile\n 1: 200 [ 5: 600] @ 0x1f00 0x1A01\n"
        + "  1: 100 [4: 300] @\n" + Self.libraries)
    #expect(profile.inUse == Bytes(300))
    #expect(profile.sampling == .none)
    #expect(
      profile.allocations == [
        .init(objects: 1, bytes: Bytes(200), stack: [0x1F00, 0x1A01]),
        .init(objects: 1, bytes: Bytes(100), stack: []),
      ])
    #expect(
      profile.mappings == [
        .init(
          start: 0x1000, end: 0x2000, offset: 0, isExecutable: true, path: "/usr/bin/a program"),
        .init(start: 0x2000, end: 0x3000, offset: 0x1000, isExecutable: false, path: ""),
      ])
  }

  /// By hand, from 1 / (1 − e^(−size / interval)): an object of twice the interval is seen with the
  /// probability 0.8647, one of the interval with 0.6321, one of a hundredth of it with 0.00995.
  @Test(arguments: [(2000, 2313), (1000, 1582), (10, 1005)])
  func `an object that was sampled stands for those that were not`(size: Int, bytes: Int) throws {
    let profile = try Self.parse(
      "heap profile: 1: \(size) [1: \(size)] @ heap_v2/1000\n1: \(size) [1: \(size)] @ 0x1001\n"
        + Self.libraries)
    #expect(profile.sampling == .bytes(1000))
    #expect(profile.inUse == Bytes(bytes))
  }

  /// The older form scales objects that are smaller than the interval by interval / size.
  @Test(arguments: [(2000, 2000), (10, 1000)])
  func `the older form scales small objects alone`(size: Int, bytes: Int) throws {
    let profile = try Self.parse(
      "heap profile: 1: \(size) [1: \(size)] @ heap/1000\n1: \(size) [1: \(size)] @ 0x1001\n"
        + Self.libraries)
    #expect(profile.inUse == Bytes(bytes))
  }

  @Test(arguments: [
    ("", HeapProfileFault.Reason.noHeader),
    ("hello\n", .noHeader),
    ("heap profile: 1: 2 [3: 4] @ growthz/1\n", .unknownKind("growthz/1")),
    ("heap profile: 1: 2 [3: 4] @ heap_v2/x\n", .badInterval("heap_v2/x")),
    ("heap profile: 1: 2 [3: 4] @ heapprofile\n1: 2 [3: 4]", .badAllocation),
    ("heap profile: 1: 2 [3: 4] @ heapprofile\n-1: 2 [3: 4] @ 0x1\n", .badAllocation),
    (
      "heap profile: 1: 2 [3: 4] @ heapprofile\n1: 99999999999999999999 [3: 4] @ 0x1\n",
      .badAllocation
    ),
    (
      "heap profile: 1: 2 [3: 4] @ heapprofile\n1: 2 [3: 4] @ 0x11111111111111111\n", .badAllocation
    ),
    ("heap profile: 1: 2 [3: 4] @ heapprofile\n1: 2 [3: 4] @ 0x1\n", .cutOff),
    (
      "heap profile: 1: 2 [3: 4] @ heapprofile\nMAPPED_LIBRARIES:\n2000-1000 r-xp 0 0 0 /a\n",
      .badMapping
    ),
  ])
  func `what is no heap profile is told why`(text: String, reason: HeapProfileFault.Reason) {
    #expect(Self.reason(text) == reason)
  }

  @Test func `sums that no memory could hold are as large as can be`() throws {
    let line = "1: 9223372036854775807 [1: 1] @ 0x1\n"
    let profile = try Self.parse(
      "heap profile: 1: 1 [1: 1] @ heapprofile\n" + line + line + Self.libraries)
    #expect(profile.inUse == Bytes(.max))
    #expect(AllocationSites.rank(profile) { _ in named("f") }.others == .zero)
  }

  @Test func `the headline is read from the beginning alone`() {
    let start = Data("heap profile:   7:  4096 [ 9: 9999] @ heapprof".utf8)
    #expect(HeapProfileReader.headline(of: start) == Bytes(4096))
    #expect(HeapProfileReader.headline(of: Data("heap pro".utf8)) == nil)
  }
}

private func named(_ function: String?, in object: String = "a.so") -> ProgramFrame {
  ProgramFrame(function: function, object: object)
}

@Suite struct AllocationSitesTests {
  private static let names: [UInt64: ProgramFrame] = [
    1: named("operator new(unsigned long)", in: "libstdc++.so.6"),
    2: named("tc_malloc", in: "libtcmalloc.so.4"), 3: named(nil), 4: named("grow"),
    5: named("append"), 6: named("main"), 7: named("_start"), 8: named("malloc"),
  ]

  private static func rank(_ lines: String, count: Int = 10) throws -> AllocationSites.Ranking {
    let profile = try HeapProfileTests.parse(
      "heap profile: 1: 1 [1: 1] @ heapprofile\n" + lines + HeapProfileTests.libraries)
    return AllocationSites.rank(profile, count: count) { names[$0] ?? named(nil) }
  }

  @Test(arguments: ["0x2 0x1 0x4 0x5 0x6 0x7", "0x8 0x4 0x5 0x6", "0x3 0x4 0x3 0x5 0x6"])
  func `the site is the first function with a name that is not the allocator's`(stack: String)
    throws
  {
    let site = try #require(try Self.rank("3: 600 [3: 600] @ \(stack)\n").sites.first)
    #expect(site.frame == named("grow"))
    #expect(site.callers == [named("append"), named("main")])
    #expect(site.bytes == Bytes(600) && site.objects == 3)
  }

  @Test func `stacks that end in one function are one site, with its largest one's callers`() throws
  {
    let sites = try Self.rank("1: 10 [1: 10] @ 0x4 0x6\n2: 90 [2: 90] @ 0x4 0x5\n").sites
    #expect(
      sites == [
        .init(bytes: Bytes(100), objects: 3, frame: named("grow"), callers: [named("append")])
      ])
  }

  @Test func `what is not shown is counted among the others`() throws {
    let ranking = try Self.rank(
      "1: 70 [1: 70] @ 0x4\n1: 20 [1: 20] @ 0x5\n1: 10 [1: 10] @ 0x6\n", count: 1)
    #expect(ranking.sites.map(\.frame) == [named("grow")])
    #expect(ranking.others == Bytes(30))
  }

  @Test func `a stack without a name is a site of its object`() throws {
    #expect(try Self.rank("1: 5 [1: 5] @ 0x3 0x3\n").sites.map(\.frame) == [named(nil)])
  }
}
