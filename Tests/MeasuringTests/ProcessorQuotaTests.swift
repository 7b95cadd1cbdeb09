import Measuring
import Records
import Testing

@Suite struct ProcessorQuotaTests {
  private static let versionOne = [
    "/proc/self/cgroup": "5:cpu,cpuacct:/a/b\n0::/\n",
    "/proc/self/mountinfo":
      "30 20 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
  ]
  private static let versionTwo = [
    "/proc/self/cgroup": "0::/a/b\n",
    "/proc/self/mountinfo": "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
  ]

  private func read(_ place: [String: String], _ files: [String: String]) -> Conditions.Quota? {
    ProcessorQuota.read(from: .texts(place.merging(files) { $1 }))
  }

  @Test func `the tightest group above counts, with its own throttling`() {
    let quota = read(
      Self.versionTwo,
      [
        "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/a/cpu.max": "50000 100000\n",
        "/sys/fs/cgroup/a/cpu.stat": "usage_usec 9\nnr_periods 200\nnr_throttled 50\n",
      ])
    #expect(quota == .init(cores: 0.5, throttledShare: 0.25))
  }

  @Test func `version 1 says it in two files, and -1 for none`() {
    let folder = "/sys/fs/cgroup/cpu/a/b"
    let period = ["\(folder)/cpu.cfs_period_us": "100000\n"]
    #expect(
      read(Self.versionOne, period.merging(["\(folder)/cpu.cfs_quota_us": "150000\n"]) { $1 })
        == .init(cores: 1.5, throttledShare: nil))
    #expect(
      read(Self.versionOne, period.merging(["\(folder)/cpu.cfs_quota_us": "-1\n"]) { $1 }) == nil)
  }

  @Test func `without control groups there is no quota`() { #expect(read([:], [:]) == nil) }

  @Test(arguments: [(0.5, true), (2, false), (1.5, true)])
  func `a quota below the cores is warned about`(cores: Double, isWarned: Bool) {
    let files = Self.versionTwo.merging([
      "/sys/fs/cgroup/a/b/cpu.max": "\(Int(cores * 100_000)) 100000\n",
      "/sys/fs/cgroup/a/b/cpu.stat": "nr_periods 100\nnr_throttled 43\n",
    ]) { $1 }
    let warnings = ConditionsReader(files: .texts(files)).read(visibleCores: 2).warnings
    #expect(warnings.contains { $0.contains("of 2 cores") && $0.contains("43.0 %") } == isWarned)
  }
}
