package import Quantities

/// Collects this process's resident peak in each phase of a case's life.
package struct PhasePeaks: Sendable {
  private let files: FileSource
  private let changes: FileChanges
  private var peaks: [MemoryPhase: Bytes] = [:]
  private var highestAnonymous: Bytes?
  /// Why a phase has no peak of its own; the first reason stays.
  private var failure: String?
  private var anonymousFailure = "no phase was measured"

  package init(files: FileSource = .system, changes: FileChanges = .system) {
    self.files = files
    self.changes = changes
  }

  /// Forgets the peak so far, so that the phase has one of its own.
  package mutating func begin(_ phase: MemoryPhase) {
    let reset = ProcessMemory.resetPeak(files: files, changes: changes)
    if let reason = reset.reason { failure = failure ?? reason }
  }

  /// Takes down the peak since the phase began; a phase that comes twice keeps the higher.
  package mutating func end(_ phase: MemoryPhase) {
    let memory = ProcessMemory.read(from: files)
    switch memory.residentPeak {
    case .measured(let peak): peaks[phase] = max(peak, peaks[phase] ?? .zero)
    case .unavailable(let reason): failure = failure ?? reason
    }
    switch memory.anonymousPeakEstimate {
    case .measured(let peak): highestAnonymous = max(peak, highestAnonymous ?? .zero)
    case .unavailable(let reason): anonymousFailure = reason
    }
  }

  /// The highest resident size in each phase that has ended.
  ///
  /// One refused reset makes all unavailable, since a peak might then be an earlier phase's.
  package var residentPeak: Reading<[MemoryPhase: Bytes]> {
    if let failure { return .unavailable(failure) }
    return peaks.isEmpty ? .unavailable("no phase was measured") : .measured(peaks)
  }

  /// The highest estimate of private memory over the phases; it outlives a refused reset, since
  /// the highest of all phases is then what the kernel remembers.
  package var anonymousPeakEstimate: Reading<Bytes> {
    highestAnonymous.map { .measured($0) } ?? .unavailable(anonymousFailure)
  }
}
