package import Quantities

/// What a dry run of a case allocates: nothing is mapped, and everything is counted.
package struct Rehearsal: Hashable, Sendable {
  /// What is live in each phase.
  package let plan: MemoryPlan
  /// The budget that it fits: where tensors share an arena, its unused ends are counted, too.
  package let needed: Bytes

  package init(plan: MemoryPlan, needed: Bytes) {
    self.plan = plan
    self.needed = needed
  }
}
