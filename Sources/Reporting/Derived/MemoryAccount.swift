package import Quantities
package import Records

/// What a case's memory came to: predicted, as the ledger saw it, and as the system did.
package struct MemoryAccount: Codable, Hashable, Sendable {
  package let predicted: Reading<Bytes>
  /// Why it was predicted not to fit, where it was.
  package let misfit: Misfit?
  /// The ledger's: the maximum over phases.
  package let peak: Reading<Bytes>
  /// The phase that the peak is in.
  package let phase: Reading<MemoryPhase>
  /// What was predicted to live at the peak.
  package let predictedByRole: Reading<[MemoryRole: Bytes]>
  /// What lived at the ledger's peak.
  package let byRole: Reading<[MemoryRole: Bytes]>
  /// What was live when an allocation was refused, else when the child ended or was ended, and in which phase.
  package let lastLive: Reading<[MemoryRole: Bytes]>
  package let lastPhase: Reading<MemoryPhase>
  /// What of it held nothing: the ends of a cache's pages.
  package let unused: Reading<[MemoryRole: Bytes]>
  package let residentPeak: Reading<Bytes>
  /// An estimate of private memory at the resident peak.
  package let anonymousPeak: Reading<Bytes>
  /// What of it the case brought: above the harness's own.
  package let privatePeak: Reading<Bytes>
  package let file: Reading<Bytes>
  /// Copies that only the harness made; outside peak and prediction.
  package let rotation: Reading<Bytes>
  /// The harness's own, before the case allocated anything.
  package let harness: Reading<Bytes>

  /// Whether both are known and are not the same to the byte.
  package var strayed: Bool {
    guard let predicted = predicted.value, let peak = peak.value else { return false }
    return predicted != peak
  }

  /// How far private memory lies from the ledger's peak, as a share of it.
  package var privateError: Double? {
    guard let peak = peak.value, let real = privatePeak.value, peak > .zero else { return nil }
    return Double(real.count - peak.count) / Double(peak.count)
  }

  /// Of the process whose ledger saw most.
  init(records: [Record], absence: String) {
    let measured = records.compactMap(\.memory).max {
      ($0.ledger.peak, $0.privatePeak.value ?? .zero)
        < ($1.ledger.peak, $1.privatePeak.value ?? .zero)
    }
    func reading<Value>(_ value: (Record.Memory) -> Reading<Value>) -> Reading<Value> {
      measured.map(value) ?? .unavailable(absence)
    }
    func ofLedger<Value>(_ value: (Record.Memory) -> Reading<Value>) -> Reading<Value> {
      reading { memory in
        memory.ledger.phases.isEmpty
          ? .unavailable("a command keeps no ledger") : value(memory)
      }
    }

    let isForeign = measured.map(\.ledger.phases.isEmpty) ?? false
    predicted =
      isForeign
      ? .unavailable("no prediction is made for a command")
      : records.lazy.compactMap(\.predicted).first.map { .measured($0.peak) }
        ?? .unavailable("no prediction was made")
    misfit = records.lazy.compactMap(\.misfit).first
    predictedByRole =
      records.lazy.compactMap(\.predicted).first.map { .measured($0.byRole) }
      ?? .unavailable("no prediction was made")
    peak = ofLedger { .measured($0.ledger.peak) }
    phase = ofLedger { .measured($0.ledger.peakPhase) }
    byRole = ofLedger { .measured($0.ledger.byRole) }
    lastLive = ofLedger { .measured($0.live) }
    lastPhase = ofLedger { .measured($0.refused?.phase ?? $0.phase) }
    unused = ofLedger { memory in
      memory.unused.map { .measured($0) } ?? .unavailable("the run was made before it was told")
    }
    residentPeak = reading { memory in
      switch memory.residentPeak {
      case .measured(let phases):
        phases.values.max().map { .measured($0) } ?? .unavailable("no phase was measured")
      case .unavailable(let reason): .unavailable(reason)
      }
    }
    anonymousPeak = reading(\.anonymousPeak)
    privatePeak = reading(\.privatePeak)
    file = reading(\.file)
    rotation = ofLedger { .measured($0.rotation) }
    harness = reading(\.harness)
  }
}

extension Record.Memory {
  /// Private memory at the resident peak above the harness's own: an estimate, as that is.
  fileprivate var privatePeak: Reading<Bytes> {
    switch (anonymousPeak, harness) {
    case (.measured(let peak), .measured(let before)):
      .measured(peak > before ? peak - before : .zero)
    case (.unavailable(let reason), _), (_, .unavailable(let reason)): .unavailable(reason)
    }
  }
}
