import Measuring
import Quantities
import Records
import Testing

/// How much memory there is, on machines of files.
@Suite struct MemoryRoomTests {
  private static let meminfo = [
    "/proc/meminfo": "MemTotal:  24684092 kB\nMemAvailable:  20971520 kB\n"
  ]
  private static let versionOne = [
    "/proc/self/cgroup": "4:memory:/a/b\n0::/\n",
    "/proc/self/mountinfo": "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
  ]
  private static let versionTwo = [
    "/proc/self/cgroup": "0::/a/b\n",
    "/proc/self/mountinfo": "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
  ]
  private static let installed = Bytes.kibibytes(24_684_092)

  private func read(_ texts: [String: String]...) -> (room: MemoryRoom?, available: Reading<Bytes>)
  {
    let all = texts.reduce(into: Self.meminfo) { $0.merge($1) { $1 } }
    return MemoryRoomReader(files: .texts(all)).read()
  }

  @Test func `without limits it is all that the machine has`() {
    let (room, available) = read()
    #expect(room?.limit == Self.installed)
    #expect(room?.bound == .machine)
    #expect(available == .measured(.gibibytes(20)))
    #expect(room?.description == "\(Self.installed), all that the machine has")
  }

  @Test func `a container's limit is told beside what the machine has`() {
    let (room, available) = read(
      Self.versionTwo,
      [
        "/sys/fs/cgroup/a/b/memory.max": "max\n",
        "/sys/fs/cgroup/a/memory.max": "3221225472\n",
        "/sys/fs/cgroup/a/memory.current": "1610612736\n",
        "/sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 536870912\n",
      ])
    #expect(room?.limit == .gibibytes(3))
    #expect(room?.bound == .controlGroup)
    #expect(room?.place == "/sys/fs/cgroup/a")
    #expect(
      room?.description == "3.00 GiB, the control group's limit; the machine has 23.5 GiB")
    // 3 GiB less the 1.5 GiB in use, of which half a GiB are pages of files that can go.
    #expect(available == .measured(.gibibytes(2)))
    #expect(
      room?.available(.gibibytes(2))
        == "2.00 GiB, within the control group's limit; the machine has 20.0 GiB")
  }

  @Test func `the tightest of all groups above counts`() {
    let folder = "/sys/fs/cgroup/memory"
    let (room, _) = read(
      Self.versionOne,
      [
        "\(folder)/a/b/memory.limit_in_bytes": "2147483648\n",
        "\(folder)/a/memory.limit_in_bytes": "1073741824\n",
        "\(folder)/memory.limit_in_bytes": "9223372036854771712\n",
      ])
    #expect(room?.limit == .gibibytes(1))
    #expect(room?.place == "\(folder)/a")
  }

  @Test func `version 1 tells also of groups that lie above what is mounted`() {
    let folder = "/sys/fs/cgroup/memory/a/b"
    let (room, available) = read(
      Self.versionOne,
      [
        "\(folder)/memory.limit_in_bytes": "9223372036854771712\n",
        "\(folder)/memory.stat":
          "total_inactive_file 1048576\nhierarchical_memory_limit 536870912\n",
        "\(folder)/memory.usage_in_bytes": "2097152\n",
      ])
    #expect(room?.limit == .mebibytes(512))
    #expect(available == .measured(.mebibytes(511)))
  }

  @Test(arguments: ["9223372036854771712\n", "-1\n", "a word\n", ""])
  func `a group without a limit bounds nothing`(text: String) {
    let (room, available) = read(
      Self.versionOne, ["/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": text])
    #expect(room?.bound == .machine)
    #expect(available == .measured(.gibibytes(20)))
  }

  @Test func `a group that may have more than the machine bounds nothing`() {
    let (room, _) = read(
      Self.versionTwo, ["/sys/fs/cgroup/a/b/memory.max": "68719476736\n"])
    #expect(room?.bound == .machine)
  }

  @Test(arguments: [("Max data size", "ulimit -d"), ("Max address space", "ulimit -v")])
  func `a limit over each process counts like one of a group`(line: String, option: String) {
    let text = "Limit  Soft Limit  Hard Limit  Units\n\(line)   536870912  unlimited  bytes\n"
    let (room, available) = read(["/proc/self/limits": text])
    #expect(room?.limit == .mebibytes(512))
    #expect(room?.place == option)
    #expect(available == .measured(.mebibytes(512)))
  }

  @Test func `what uses more than its limit has nothing left, and not less`() {
    let (_, available) = read(
      Self.versionTwo,
      [
        "/sys/fs/cgroup/a/b/memory.max": "1048576\n",
        "/sys/fs/cgroup/a/b/memory.current": "9000000\n",
      ])
    #expect(available == .measured(.zero))
  }

  @Test func `a machine that tells nothing has no room that could be told`() {
    let (room, available) = MemoryRoomReader(files: .texts([:])).read()
    #expect(room == nil)
    #expect(available.reason == "/proc/meminfo is missing or cannot be read")
  }

  @Test func `a limit does not make another machine`() {
    func machine(_ more: [String: String]) -> Machine {
      MachineReader(files: .texts(MachineTexts.hypervisor.merging(more) { $1 }))
        .read(visibleCores: 2)
    }
    let limited = machine(
      Self.versionTwo.merging(["/sys/fs/cgroup/a/b/memory.max": "1073741824\n"]) { $1 })
    #expect(limited.differences(from: machine([:])) == [])
  }

  @Test func `what is left is held against the limit that binds`() {
    let files = Self.meminfo.merging(Self.versionTwo) { $1 }.merging([
      "/sys/fs/cgroup/a/b/memory.max": "1073741824\n",
      "/sys/fs/cgroup/a/b/memory.current": "1043741824\n",
    ]) { $1 }
    let warnings = ConditionsReader(files: .texts(files)).read(visibleCores: 2).warnings
    #expect(warnings == ["Only 28.6 MiB of 1.00 GiB memory is available."])
  }
}
