package import Quantities

// What cannot be in figures that a file or another program gives, in words; nothing where all of them
// can be. Whoever reads figures asks here once, so that no arithmetic meets one that cannot be.

extension Record {
  package var defect: String? {
    if run < 0 { return "process \(run) is none" }
    if let threads, threads < 1 { return "it has \(threads) threads" }
    if outcome == .ok, let check, let failed = check.failure {
      return "its outcome is ok, and its check is not: \(failed)"
    }
    return work?.defect ?? preparation?.defect ?? check?.defect ?? timing?.defect
      ?? memory?.defect ?? predicted?.defect ?? misfit?.defect
      ?? timeline.flatMap { TimelinePoint.defect(of: $0) } ?? counterDefect
  }

  private var counterDefect: String? {
    for (name, reading) in counters ?? [:] {
      if let value = reading.value, !value.isFinite { return "the counter \(name) is \(value)" }
    }
    return nil
  }
}

extension MemoryPlan {
  package var defect: String? {
    phases.values.lazy.flatMap(\.values).compactMap(\.defect).first
  }
}

extension Bytes {
  package var defect: String? { count < 0 ? "\(count) bytes are no amount of memory" : nil }
}

extension Work {
  package var defect: String? {
    if flops < 0 { return "\(flops) operations are none" }
    if let tokens, tokens < 0 { return "\(tokens) tokens are none" }
    return bytesRead.defect ?? bytesWritten.defect
  }
}

extension Record.Preparation {
  package var defect: String? {
    seconds.value >= 0 && seconds.value.isFinite
      ? nil : "its preparation took \(seconds.value) s"
  }
}

extension Record.Check {
  /// Why it did not pass, by its own figures; nothing where it did.
  package var failure: String? {
    if passed, relative <= tolerance { return nil }
    return "error \(scientific(relative)) at \(worst), tolerance \(scientific(tolerance))"
  }

  package var defect: String? {
    for (name, value) in [("error", relative), ("tolerance", tolerance), ("error", ofFormat ?? 0)]
    where !(value >= 0 && value.isFinite) {
      return "the \(name) of its check is \(value)"
    }
    return nil
  }
}

extension Record.WarmUp {
  package var defect: String? {
    if windows.isEmpty { return "its warm-up has no windows" }
    if let bad = windows.first(where: { !isTime($0) }) {
      return "a window of its warm-up took \(bad) s"
    }
    if !(0...windows.count).contains(cut) {
      return "its warm-up was cut at window \(cut) of \(windows.count)"
    }
    return nil
  }
}

extension Record.Block {
  package var defect: String? {
    Self.defect(calls: calls, samples: samples)
      ?? [before, after].lazy.compactMap(\.defect).first
      ?? (round < 0 ? "round \(round) is none" : nil)
  }

  package static func defect(calls: Int, samples: [Double]) -> String? {
    if calls < 1 { return "a sample is of \(calls) calls" }
    if samples.isEmpty { return "a block has no samples" }
    if samples.count > 100_000 { return "a block has \(samples.count) samples" }
    if let bad = samples.first(where: { !isTime($0) || !isTime($0 / Double(calls)) }) {
      return "a sample took \(bad) s"
    }
    return nil
  }
}

extension Record.Probe {
  package var defect: String? {
    for value in [flopsPerSecond, bytesPerSecond ?? 0] where !(value >= 0 && value.isFinite) {
      return "a probe measured \(value)"
    }
    return nil
  }
}

extension Record.Timing {
  package var defect: String? {
    if rotation < 1 { return "it takes \(rotation) copies in turn" }
    if !(clockCost.value >= 0 && clockCost.value.isFinite) {
      return "its clock costs \(clockCost.value) s"
    }
    if blocks.isEmpty { return "it was timed without blocks" }
    return warmUp.defect ?? ceiling?.defect ?? blocks.lazy.compactMap(\.defect).first
  }
}

extension Record.CeilingUse {
  package var defect: String? {
    if threads < 1 { return "its ceiling is of \(threads) threads" }
    for rate in [flopsPerSecond, readPerSecond, fillPerSecond] where !(rate > 0 && rate.isFinite) {
      return "its ceiling is \(rate)"
    }
    return nil
  }
}

extension Record.Memory {
  package var defect: String? {
    if allocations < 0 { return "it has \(allocations) allocations" }
    var amounts = [rotation] + live.values + (residentPeak.value ?? [:]).values
    amounts += (unused ?? [:]).values
    for amount in [limit, refused?.bytes, anonymousPeak.value, file.value, harness.value] {
      if let amount { amounts.append(amount) }
    }
    return ledger.defect ?? amounts.lazy.compactMap(\.defect).first
  }
}

extension RunHeader {
  package var defect: String? {
    if processesPerCase < 1 { return "a case has \(processesPerCase) processes" }
    if machine.visibleCores < 1 { return "its machine has \(machine.visibleCores) cores" }
    let amounts = machine.caches.map(\.size) + [machine.memoryClass]
    let rates =
      ceilings.compute.map(\.flopsPerSecond)
      + ceilings.bandwidth.flatMap { [$0.read, $0.fill, $0.fillNonTemporal, $0.copy] }
    if let bad = rates.first(where: { !($0 >= 0 && $0.isFinite) }) {
      return "a ceiling of its machine is \(bad)"
    }
    return amounts.lazy.compactMap(\.defect).first ?? conditions.memory?.defect
      ?? (suite.claims ?? []).lazy.compactMap(\.defect).first
  }
}

/// Less than a thousandth of a clock's cycle, and more than a century, are no measured times.
package func isTime(_ seconds: Double) -> Bool { (1e-13...3.2e9).contains(seconds) }
