import Glibc
import Measuring
import Quantities
import Testing

@Suite(.serialized) struct SystemMemoryLimitTests {
  /// Made once to learn whether this machine lets us, and taken away at once.
  private static let canMakeGroups: Bool = {
    let probe = MemoryControlGroup.createLeaf(name: "headroom-test-probe-\(getpid())").value
    return probe?.remove() ?? false
  }()

  /// The kernel itself judges: a child is moved, limited and lets `dd` touch 128 MiB.
  @Test(
    .enabled(if: canMakeGroups, "no memory control group can be made here"),
    arguments: [(Bytes.mebibytes(32), true), (Bytes.mebibytes(512), false)])
  func `the kernel kills a child above its group's limit and counts it`(
    limit: Bytes, killed: Bool
  ) throws {
    let name = "headroom-test-\(getpid())-\(limit.count)"
    let group = try #require(MemoryControlGroup.createLeaf(name: name).value)
    defer { group.remove() }
    let child = try StoppedChild("exec dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null")
    try group.enter(process: child.process)
    #expect(try #require(group.currentUsage().value) < .mebibytes(16))
    try group.setLimit(limit)
    let status = child.runToEnd()
    #expect(try #require(group.outOfMemoryKills().value) == (killed ? 1 : 0))
    #expect((status & 0x7f == SIGKILL) == killed)
  }

  @Test(.enabled(if: canMakeGroups, "no memory control group can be made here"))
  func `a limit can be raised and lowered again`() throws {
    let leaf = MemoryControlGroup.createLeaf(name: "headroom-test-raise-\(getpid())")
    let group = try #require(leaf.value)
    defer { group.remove() }
    for mebibytes in [64, 256, 32] { try group.setLimit(.mebibytes(mebibytes)) }
    #expect(group.currentUsage().value != nil)
  }

  /// Whether this process is free of a data limit, which a test must not lift.
  private static let hasNoDataLimit: Bool = {
    do { return try DataLimit.read() == nil } catch { return false }
  }()

  @Test(.enabled(if: hasNoDataLimit, "a data limit is set from outside"))
  func `the data limit can be set, raised and lifted`() throws {
    // Far above what this process has mapped, so that the other tests do not feel it.
    let size = Bytes.gibibytes(1 << 12)
    try DataLimit.set(size)
    #expect(try DataLimit.read() == size)
    try DataLimit.set(size * 2)
    #expect(try DataLimit.read() == size * 2)
    try DataLimit.lift()
    #expect(try DataLimit.read() == nil)
  }

  @Test func `the data limit counts this process's data`() {
    let limit = SystemMemoryLimit.dataSize(because: "a test says so")
    #expect(limit.currentUsage().value != nil)
    #expect(limit.outOfMemoryKills() == .unavailable("a test says so"))
  }
}

/// A shell that waits for a line before it runs its command.
private struct StoppedChild {
  let process: pid_t
  private let input: Int32

  struct NotStarted: Error { let code: Int32 }

  init(_ command: String) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw NotStarted(code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    let words: [String] = ["/bin/sh", "-c", "read line; \(command)"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, "/bin/sh", &actions, nil, &arguments, environ)
    guard code == 0 else {
      close(ends[1])
      throw NotStarted(code: code)
    }
    self.process = process
    input = ends[1]
  }

  /// Lets it go on; answers the wait status.
  func runToEnd() -> Int32 {
    _ = write(input, "\n", 1)
    close(input)
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return status
  }
}
