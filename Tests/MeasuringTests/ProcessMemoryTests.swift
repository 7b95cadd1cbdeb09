import Measuring
import Quantities
import Testing

@Suite struct ProcessMemoryTests {
  private static let status = """
    Name:	head room
    State:	S (sleeping)
    VmPeak:	  999999 kB
    VmHWM:	   20480 kB
    VmRSS:	   16384 kB
    RssAnon:	    8192 kB
    RssFile:	    6144 kB
    RssShmem:	    2048 kB
    VmData:	   40960 kB
    """

  private static func memory(_ status: String) -> ProcessMemory {
    ProcessMemory.read(process: 7, from: .texts(["/proc/7/status": status]))
  }

  @Test func `each line of a status is read in KiB`() {
    let memory = Self.memory(Self.status)
    #expect(memory.residentPeak == .measured(.mebibytes(20)))
    #expect(memory.resident == .measured(.mebibytes(16)))
    #expect(memory.anonymous == .measured(.mebibytes(8)))
    #expect(memory.file == .measured(.mebibytes(6)))
    #expect(memory.shared == .measured(.mebibytes(2)))
    #expect(memory.data == .measured(.mebibytes(40)))
  }

  @Test func `the anonymous peak is estimated as the peak without file and shared pages`() {
    #expect(Self.memory(Self.status).anonymousPeakEstimate == .measured(.mebibytes(12)))
  }

  @Test func `the anonymous peak is never below what is anonymous now`() {
    let grown = Self.status.replacing("RssFile:\t    6144", with: "RssFile:\t   16384")
    #expect(Self.memory(grown).anonymousPeakEstimate == .measured(.mebibytes(8)))
  }

  @Test func `a process that has ended says so`() {
    let memory = Self.memory("Name:\tx\nState:\tZ (zombie)\n")
    #expect(
      memory.residentPeak == .unavailable("/proc/7/status holds no VmHWM: the process has ended"))
    #expect(memory.anonymousPeakEstimate.value == nil)
  }

  @Test func `a process that is gone is unavailable with its file`() {
    let memory = ProcessMemory.read(process: 7, from: .texts([:]))
    #expect(memory.data == .unavailable("/proc/7/status is missing or cannot be read"))
  }

  @Test func `this process has a resident size below its peak`() throws {
    let memory = ProcessMemory.read()
    let peak = try #require(memory.residentPeak.value)
    #expect(try #require(memory.anonymous.value) <= peak)
    #expect(try #require(memory.data.value) > .zero)
  }
}

@Suite struct ProcessActivityTests {
  // utime 150 and stime 50 are fields 14 and 15.
  private static let tail = "4 5 6 0 -1 4194304 100 0 0 0 150 50 9000 9000 20 0 3 0 12345"

  @Test(arguments: ["(headroom)", "(tmux: server)", "(a) b (c)", "(1 2 3) R)", "()"])
  func `a program's name may hold blanks and parentheses`(name: String) {
    let files = FileSource.texts(["/proc/9/stat": "9 \(name) S \(Self.tail)\n"])
    let activity = ProcessActivity.read(process: 9, from: files, ticksPerSecond: 100)
    #expect(activity.processorTime == .measured(Seconds(2)))
    #expect(activity.state == .measured("S"))
  }

  @Test(arguments: ["", "9 headroom S 1 2", "9 (headroom) S 1 2"])
  func `a stat that is cut short has no processor time`(text: String) {
    let files = FileSource.texts(["/proc/9/stat": text])
    let activity = ProcessActivity.read(process: 9, from: files, ticksPerSecond: 100)
    #expect(activity.processorTime == .unavailable("/proc/9/stat holds no processor time"))
  }

  @Test func `this process's own stat is readable`() {
    let activity = ProcessActivity.read()
    #expect(activity.processorTime.value != nil)
    #expect(activity.state.value != nil)
  }
}
