import Measuring
import Quantities
import Records
import Testing

@Suite struct MachineConditionsTests {
  private let quiet = ConditionsReader(files: .texts(MachineTexts.hypervisor))
    .read(visibleCores: 2)
  private let busy = ConditionsReader(files: .texts(MachineTexts.intel)).read(visibleCores: 2)

  @Test func `what the files say is measured`() {
    #expect(quiet.load == .measured(0.10))
    #expect(quiet.clockMegahertz == .measured(2600))
    #expect(quiet.hugePages == .measured("madvise"))
    #expect(quiet.availableMemory == .measured(.kibibytes(24_410_112)))
    // 25 of 21173 + 4232 + 202973 + 587 + 43 + 25 ticks.
    #expect(quiet.steal == .measured(25.0 / 229033.0))
  }

  @Test func `a governor that is missing is unavailable with the reason`() {
    #expect(
      quiet.governor.reason
        == "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor is missing or cannot be read")
    #expect(quiet.throttles.reason?.contains("core_throttle_count") == true)
  }

  @Test func `a quiet machine is not warned about`() {
    #expect(quiet.warnings.isEmpty)
  }

  @Test func `a busy machine is warned about, worst first`() {
    // Steal is 200 of 10 000 ticks; 3276800 kB are 5 % of the memory.
    #expect(
      busy.warnings == [
        """
        The hypervisor gave 2.00 % of this machine's processor time to others since boot \
        (steal): times will vary.
        """,
        """
        The load was 5.20 on 2 cores before anything was started: other programs compete \
        for the processor.
        """,
        "The processor was throttled for heat 3 times since boot: long runs may slow down.",
        "The frequency governor is powersave, not performance: the clock moves under load.",
        "Only \(Bytes.kibibytes(3_276_800)) of \(Bytes.kibibytes(65_507_520)) memory is available.",
        "Transparent huge pages are off (never): large tensors pay for address translation.",
      ])
  }

  @Test func `load is held against the number of cores`() {
    let wide = ConditionsReader(files: .texts(MachineTexts.intel)).read(visibleCores: 64)
    #expect(!wide.warnings.contains { $0.hasPrefix("The load") })
  }

  @Test(arguments: [
    ("/proc/loadavg", ""), ("/proc/loadavg", "none"), ("/proc/stat", "cpu  1 2 3 4\n"),
    ("/proc/stat", "intr 1 2 3 4 5 6 7 8 9\n"), ("/proc/cpuinfo", "Features: asimd\n"),
    ("/sys/kernel/mm/transparent_hugepage/enabled", "always"), ("/proc/meminfo", "MemFree: 1 kB"),
  ])
  func `a file without the number is unavailable and names the file`(path: String, text: String) {
    let conditions = ConditionsReader(files: .texts([path: text])).read(visibleCores: 1)
    let reasons = [
      conditions.load.reason, conditions.steal.reason, conditions.clockMegahertz.reason,
      conditions.hugePages.reason, conditions.availableMemory.reason,
    ]
    #expect(reasons.contains { $0?.hasPrefix("\(path) holds no ") == true })
    #expect(conditions.warnings.isEmpty)
  }
}
