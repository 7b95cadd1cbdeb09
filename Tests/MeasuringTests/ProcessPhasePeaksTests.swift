import Glibc
import Measuring
import Quantities
import Synchronization
import Testing

@Suite struct PhasePeaksTests {
  /// Answers one peak after the other, in MiB, each time the status is read.
  private static func files(peaks: [Int]) -> FileSource {
    let rest = PeakQueue(peaks)
    return FileSource(
      text: { _ in
        "VmHWM: \(rest.next() << 10) kB\nRssAnon: 0 kB\nRssFile: 1024 kB\nRssShmem: 1024 kB\n"
      }, names: { _ in [] })
  }

  @Test func `each phase has the peak since it began`() {
    // A status is read at the begin and at the end of each phase.
    let recorder = FileRecorder()
    var peaks = PhasePeaks(
      files: Self.files(peaks: [5, 40, 10, 30, 10, 12]), changes: recorder.changes)
    for phase in [MemoryPhase.operands, .preparation, .run] {
      peaks.begin(phase)
      peaks.end(phase)
    }
    #expect(
      peaks.residentPeak
        == .measured([
          .operands: .mebibytes(40), .preparation: .mebibytes(30), .run: .mebibytes(12),
        ]))
    #expect(peaks.anonymousPeakEstimate == .measured(.mebibytes(38)))
    #expect(
      recorder.lines == Array(repeating: "write 5 /proc/self/clear_refs", count: 3))
  }

  @Test func `a phase that comes twice keeps the higher peak`() {
    var peaks = PhasePeaks(
      files: Self.files(peaks: [1, 20, 1, 7]), changes: FileRecorder().changes)
    for _ in 0..<2 {
      peaks.begin(.run)
      peaks.end(.run)
    }
    #expect(peaks.residentPeak == .measured([.run: .mebibytes(20)]))
  }

  @Test func `a refused reset takes the phases' peaks and leaves the anonymous estimate`() {
    let recorder = FileRecorder(refusing: ["/proc/self/clear_refs": EACCES])
    var peaks = PhasePeaks(files: Self.files(peaks: [50]), changes: recorder.changes)
    peaks.begin(.run)
    peaks.end(.run)
    #expect(
      peaks.residentPeak
        == .unavailable(
          "/proc/self/clear_refs refused to reset the resident peak: Permission denied (errno 13)"))
    #expect(peaks.anonymousPeakEstimate == .measured(.mebibytes(48)))
  }

  @Test func `without a phase nothing is measured`() {
    #expect(PhasePeaks().residentPeak == .unavailable("no phase was measured"))
    #expect(PhasePeaks().anonymousPeakEstimate == .unavailable("no phase was measured"))
  }
}

private final class PeakQueue: Sendable {
  private let rest: Mutex<[Int]>
  init(_ values: [Int]) { rest = Mutex(values) }
  func next() -> Int { rest.withLock { $0.isEmpty ? 0 : $0.removeFirst() } }
}
