package import Quantities

extension ProgramDiagnosis {
  /// Private memory at the peak.
  package struct AnonymousPeak: Codable, Sendable, Hashable {
    package let bytes: Bytes
    /// Whether it was seen at a look, or follows from the kernel's mark of the resident size.
    package let isEstimate: Bool
  }

  /// The higher of what a look saw and what the kernel's mark leaves for it: the mark without the file
  /// and shared pages of the highest look. The mark is of one process, so it says so of one alone.
  package var anonymousPeak: Reading<AnonymousPeak> {
    peak.map { peak in
      guard sampling.processes == 1, let mark = marks.highest else {
        return AnonymousPeak(bytes: peak.anonymous, isEstimate: false)
      }
      let left = mark - peak.file - peak.shared
      // Within a page table's rounding both are the same.
      return left > peak.anonymous + .mebibytes(1)
        ? AnonymousPeak(bytes: left, isEstimate: true)
        : AnonymousPeak(bytes: peak.anonymous, isEstimate: false)
    }
  }
}
