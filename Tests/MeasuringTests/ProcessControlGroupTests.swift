import Glibc
import Measuring
import Quantities
import Testing

@Suite struct ControlGroupLocationTests {
  private static let hybridMounts = """
    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:1 - cgroup cgroup rw,memory
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
    """
  private static let unifiedMounts =
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

  private static func find(
    _ groups: String, _ mounts: String, _ others: [String: String] = [:]
  ) -> Result<ControlGroupLocation, ControlGroupLocation.Absence> {
    let files = ["/proc/self/cgroup": groups, "/proc/self/mountinfo": mounts]
    return ControlGroupLocation.find(in: .texts(files.merging(others) { $1 }))
  }

  @Test func `version 1 is found on a machine that mounts both`() {
    #expect(
      Self.find("4:memory:/process_api/c3879\n1:cpu:/\n0::/\n", Self.hybridMounts)
        == .success(.init(directory: "/sys/fs/cgroup/memory/process_api/c3879", version: .one)))
  }

  @Test func `controllers that share a hierarchy are told apart`() {
    let mounts = "9 1 0:3 / /cg/both rw - cgroup cgroup rw,cpu,memory\n"
    #expect(
      Self.find("2:cpu,memory:/a\n", mounts)
        == .success(.init(directory: "/cg/both/a", version: .one)))
  }

  @Test func `a container's mount shows its own part of the hierarchy`() {
    let mounts = "9 1 0:3 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    #expect(
      Self.find("4:memory:/docker/abc\n", mounts)
        == .success(.init(directory: "/sys/fs/cgroup/memory", version: .one)))
  }

  @Test(arguments: ["/docker/other", "/docker/abcd", "/docker/abc/../x"])
  func `a group outside the mount is not ours to use`(path: String) {
    let mounts = "9 1 0:3 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    #expect(Self.find("4:memory:\(path)\n", mounts) == .failure(.outsideMount(path)))
  }

  @Test func `a blank in a mount point is decoded`() {
    let mounts = "9 1 0:3 / /my\\040groups rw - cgroup cgroup rw,memory\n"
    #expect(
      Self.find("4:memory:/\n", mounts)
        == .success(.init(directory: "/my groups", version: .one)))
  }

  @Test func `version 2 serves where the controller is passed on`() {
    let own = "/sys/fs/cgroup/user.slice/run"
    #expect(
      Self.find(
        "0::/user.slice/run\n", Self.unifiedMounts,
        ["\(own)/cgroup.subtree_control": "cpu memory pids\n"])
        == .success(.init(directory: own, version: .two)))
  }

  @Test(arguments: ["cpu pids\n", "memory_like\n", ""])
  func `version 2 does not serve where the controller is not passed on`(controllers: String) {
    #expect(
      Self.find(
        "0::/\n", Self.unifiedMounts, ["/sys/fs/cgroup/cgroup.subtree_control": controllers])
        == .failure(.undelegated("/sys/fs/cgroup")))
  }

  @Test func `without control groups the reason says so`() {
    #expect(Self.find("", "") == .failure(.unlisted))
    #expect(Self.find("4:memory:/\n", Self.unifiedMounts) == .failure(.unmounted))
    #expect(Self.find("0::/\n", "") == .failure(.unmounted))
  }
}

@Suite struct MemoryControlGroupTests {
  private static let files = FileSource.texts([
    "/proc/self/cgroup": "4:memory:/ours\n",
    "/proc/self/mountinfo": "9 1 0:3 / /cg rw - cgroup cgroup rw,memory\n",
  ])
  private let one = MemoryControlGroup(path: "/cg/leaf", version: .one)
  private let two = MemoryControlGroup(path: "/cg/leaf", version: .two)

  @Test func `a leaf is made below our own group and does not swap`() {
    let recorder = FileRecorder()
    let leaf = MemoryControlGroup.createLeaf(
      name: "headroom-1", files: Self.files, changes: recorder.changes)
    #expect(leaf == .measured(MemoryControlGroup(path: "/cg/ours/headroom-1", version: .one)))
    #expect(
      recorder.lines == [
        "make /cg/ours/headroom-1", "write 0 /cg/ours/headroom-1/memory.swappiness",
      ])
  }

  @Test func `a leaf that may not be made leaves the data size as the limit`() {
    let recorder = FileRecorder(refusing: ["/cg/ours/x": EACCES])
    let limit = SystemMemoryLimit.choose(
      leafName: "x", files: Self.files, changes: recorder.changes)
    #expect(
      limit
        == .dataSize(
          because: "the control group /cg/ours/x cannot be made: Permission denied (errno 13)"))
    #expect(limit.word == "rlimit-data")
  }

  @Test func `a process enters by its number`() throws {
    let recorder = FileRecorder()
    try one.enter(process: 42, changes: recorder.changes)
    #expect(recorder.lines == ["write 42 /cg/leaf/cgroup.procs"])
  }

  @Test func `a refused entry is a fault that names the group`() {
    let recorder = FileRecorder(refusing: ["/cg/leaf/cgroup.procs": EPERM])
    let fault = #expect(throws: Fault.self) {
      try one.enter(process: 42, changes: recorder.changes)
    }
    #expect(fault?.place == "/cg/leaf")
    #expect(fault?.what.contains("errno 1") == true)
  }

  @Test func `version 1 limits memory, and memory with swap`() throws {
    let recorder = FileRecorder()
    try one.setLimit(Bytes(4096), changes: recorder.changes)
    #expect(
      recorder.lines == [
        "write 4096 /cg/leaf/memory.limit_in_bytes",
        "write 4096 /cg/leaf/memory.memsw.limit_in_bytes",
      ])
  }

  @Test func `a machine without swap accounting is limited all the same`() throws {
    let recorder = FileRecorder(refusing: ["/cg/leaf/memory.memsw.limit_in_bytes": ENOENT])
    try one.setLimit(Bytes(4096), changes: recorder.changes)
    #expect(recorder.lines.first == "write 4096 /cg/leaf/memory.limit_in_bytes")
  }

  @Test func `a limit is tried again after memory with swap was raised`() {
    let recorder = FileRecorder(refusing: ["/cg/leaf/memory.limit_in_bytes": EINVAL])
    #expect(throws: Fault.self) { try one.setLimit(Bytes(8192), changes: recorder.changes) }
    #expect(recorder.lines.count == 3)
  }

  @Test func `version 2 limits in one file`() throws {
    let recorder = FileRecorder()
    try two.setLimit(Bytes(4096), changes: recorder.changes)
    #expect(recorder.lines == ["write 4096 /cg/leaf/memory.max"])
  }

  @Test func `kills and usage are read by version`() {
    let files = FileSource.texts([
      "/cg/leaf/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
      "/cg/leaf/memory.events": "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n",
      "/cg/leaf/memory.usage_in_bytes": "8192\n", "/cg/leaf/memory.current": "4096\n",
    ])
    #expect(one.outOfMemoryKills(from: files) == .measured(2))
    #expect(two.outOfMemoryKills(from: files) == .measured(3))
    #expect(one.currentUsage(from: files) == .measured(Bytes(8192)))
    #expect(two.currentUsage(from: files) == .measured(Bytes(4096)))
  }

  @Test func `an old kernel without the count of kills says so`() {
    let files = FileSource.texts(["/cg/leaf/memory.oom_control": "oom_kill_disable 0\n"])
    #expect(
      one.outOfMemoryKills(from: files)
        == .unavailable("/cg/leaf/memory.oom_control holds no oom_kill line"))
  }
}
