package import Quantities

extension ProgramDiagnosis {
  /// Private memory at the peak.
  package struct AnonymousPeak: Codable, Sendable, Hashable {
    package let bytes: Bytes
    /// Whether it was seen at a look, or follows from the kernel's mark of the resident size.
    package let isEstimate: Bool

    package init(bytes: Bytes, isEstimate: Bool) {
      self.bytes = bytes
      self.isEstimate = isEstimate
    }
  }

  /// The higher of what a look saw and what the kernel's mark leaves for it: the mark without the file
  /// and shared pages of the highest look. The mark is of one process: it is asked where that was
  /// all there was at the peak.
  package var anonymousPeak: Reading<AnonymousPeak> {
    peak.map { peak in
      guard peak.processes == 1, let mark = marks.highest else {
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
