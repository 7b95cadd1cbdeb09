import Measuring
import Quantities
import Records
import Testing

/// A machine of five processes: 10 leads a group and has 11; 12 is of its group with another parent;
/// 13, which 11 started, leads a group of its own; 20 is somebody else's.
@Suite struct ProcessTreeTests {
  private static func status(_ anonymous: Int, _ file: Int, _ shared: Int = 0) -> String {
    "State:\tS\nRssAnon:\t\(anonymous) kB\nRssFile:\t\(file) kB\nRssShmem:\t\(shared) kB\n"
  }

  private static func rollup(_ anonymous: Int, _ file: Int, _ shared: Int = 0) -> String {
    "Rss: 1 kB\nPss_Anon: \(anonymous) kB\nPss_File: \(file) kB\nPss_Shmem: \(shared) kB\n"
  }

  private static let machine: [String: String] = [
    "/proc/10/stat": "10 (sh) S 1 10 10 0",
    "/proc/11/stat": "11 (a) b (c) S 10 10 10 0",
    "/proc/12/stat": "12 (orphan) S 1 10 10 0",
    "/proc/13/stat": "13 (daemon) S 11 13 13 0",
    "/proc/20/stat": "20 (other) S 1 20 20 0",
    "/proc/uptime": "1",
    "/proc/10/status": status(100, 50),
    "/proc/11/status": status(200, 50, 30),
    "/proc/10/smaps_rollup": rollup(100, 25),
    "/proc/11/smaps_rollup": rollup(150, 25, 30),
  ]

  private static func tree(_ changes: [String: String?] = [:], group: MemoryControlGroup? = nil)
    -> ProcessTree
  {
    var texts = machine
    for (path, text) in changes { texts[path] = text }
    return ProcessTree(root: 10, group: group, files: .texts(texts))
  }

  private static func peak(_ tree: ProcessTree, of members: [Int32], above mark: Bytes = .zero)
    -> ProgramDiagnosis.ResidentPeak?
  {
    tree.resident(in: tree.statuses(of: members), above: mark, after: Seconds(1))
  }

  @Test func `a program is its group with all descendants`() {
    #expect(Self.tree().members() == [10, 11, 12, 13])
  }

  @Test func `a control group lists them where there is one`() {
    let group = MemoryControlGroup(path: "/g", version: .one)
    #expect(
      Self.tree(["/g/cgroup.procs": "10\n13\n"], group: group).members() == [10, 13])
  }

  @Test func `one process has its resident size`() {
    let peak = Self.peak(Self.tree(), of: [10])
    #expect(
      peak
        == .init(
          anonymous: .kibibytes(100), file: .kibibytes(50), shared: .zero, processes: 1,
          after: Seconds(1), counting: .single))
  }

  @Test func `of several each page is counted once`() {
    let peak = Self.peak(Self.tree(), of: [10, 11])
    #expect(
      peak
        == .init(
          anonymous: .kibibytes(250), file: .kibibytes(50), shared: .kibibytes(30), processes: 2,
          after: Seconds(1), counting: .proportional))
  }

  @Test func `shares that cannot be read leave whole sizes, and that is said`() {
    let tree = Self.tree(["/proc/10/smaps_rollup": nil, "/proc/11/smaps_rollup": nil])
    let peak = Self.peak(tree, of: [10, 11])
    #expect(peak?.counting == .whole)
    #expect(peak?.resident == .kibibytes(430))
  }

  @Test func `a process that has ended since adds nothing`() {
    #expect(Self.peak(Self.tree(), of: [10, 99])?.processes == 1)
    #expect(Self.peak(Self.tree(), of: [99]) == nil)
  }

  /// 430 KiB as whole sizes, 330 KiB as shares.
  @Test(arguments: [(329, true), (330, false), (429, false), (430, false)])
  func `what is no higher than before is no peak`(mark: Int, isPeak: Bool) {
    let peak = Self.peak(Self.tree(), of: [10, 11], above: .kibibytes(mark))
    #expect((peak != nil) == isPeak)
  }

  @Test func `limits are read by name, and the word unlimited is none`() {
    let text = """
      Limit                     Soft Limit           Hard Limit           Units
      Max data size             1048576              unlimited            bytes
      Max address space         unlimited            unlimited            bytes

      """
    let limits = ProcessLimits.read(process: 7, from: .texts(["/proc/7/limits": text]))
    #expect(limits == ProcessLimits.read(process: 7, from: .texts(["/proc/7/limits": text])))
    #expect(limits?.data == .mebibytes(1))
    #expect(limits?.addressSpace == nil)
  }
}

@Suite struct ProgramFileTests {
  @Test func `a program of this machine loads libraries`() {
    #expect(ProgramFile("/bin/sh").preloadingObstacle == nil)
  }

  @Test(arguments: ["/proc/version", "/", "/no/such"])
  func `what is no program loads none`(path: String) {
    #expect(ProgramFile(path).preloadingObstacle != nil)
  }
}
