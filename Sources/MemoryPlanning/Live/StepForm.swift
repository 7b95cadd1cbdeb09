package import Quantities

/// All moments of a step that may be its peak: what it takes for any batch.
package struct StepForm: Sendable {
  package let moments: [Moment]

  /// The most that lives at one time: the maximum over moments, never a sum of what does not live together.
  package func peak(at counts: BatchCounts) -> Int {
    var peak = 0
    for moment in moments { peak = max(peak, moment.bytes(at: counts)) }
    return peak
  }

  /// The moment of the peak; the earliest of equals.
  package func binding(at counts: BatchCounts) -> Moment? {
    var (best, peak) = (Moment?.none, -1)
    for moment in moments {
      let bytes = moment.bytes(at: counts)
      if bytes > peak { (best, peak) = (moment, bytes) }
    }
    return best
  }

  /// The most of each phase.
  package func phases(at counts: BatchCounts) -> [PlanPhase: Bytes] {
    var found: [PlanPhase: Bytes] = [:]
    for moment in moments {
      found[moment.phase] = max(found[moment.phase] ?? .zero, Bytes(moment.bytes(at: counts)))
    }
    return found
  }

  /// The moment of each phase's peak; the earliest of equals.
  package func binding(ofEach counts: BatchCounts) -> [PlanPhase: Moment] {
    var (best, most) = ([PlanPhase: Int](), [PlanPhase: Int]())
    for index in moments.indices {
      let (phase, bytes) = (moments[index].phase, moments[index].bytes(at: counts))
      if bytes > most[phase] ?? -1 { (best[phase], most[phase]) = (index, bytes) }
    }
    return best.mapValues { moments[$0] }
  }
}
