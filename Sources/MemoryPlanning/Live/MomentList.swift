import Quantities

/// What lives, and the moments that may be the peak of their phase.
///
/// A moment that never exceeds another of its phase, whatever the batch is, is forgotten at once: some dozens stay.
struct MomentList {
  private(set) var moments: [Moment] = []
  private(set) var total = ScaledBytes.zero
  private var byRole = MemoryRole.allCases.map { _ in ScaledBytes.zero }
  private var terms: [Moment.Term] = []
  private let isExplained: Bool

  /// - Parameter isExplained: whether each moment lists what it is made of.
  init(isExplained: Bool) { self.isExplained = isExplained }

  /// Something begins to live; with a size below zero it ends.
  mutating func add(_ size: ScaledBytes, _ role: MemoryRole, name: String) {
    total += size
    byRole[Self.place(role)] += size
    guard isExplained else { return }
    if let place = terms.firstIndex(where: { $0.name == name && $0.role == role }) {
      terms[place] = Moment.Term(name: name, role: role, size: terms[place].size + size)
    } else {
      terms.append(Moment.Term(name: name, role: role, size: size))
    }
  }

  private static func place(_ role: MemoryRole) -> Int {
    switch role {
    case .weights: 0
    case .gradients: 1
    case .optimizer: 2
    case .activations: 3
    case .kvCache: 4
    case .workspace: 5
    case .adapters: 6
    case .rotation: 7
    }
  }

  mutating func note(_ phase: PlanPhase, _ place: @autoclosure () -> String) {
    for moment in moments where moment.phase == phase && total.isWithin(moment.total) { return }
    moments.removeAll { $0.phase == phase && $0.total.isWithin(total) }
    moments.append(
      Moment(
        phase: phase, place: place(), total: total, byRole: byRole,
        terms: terms.filter { $0.size != .zero }))
  }
}
