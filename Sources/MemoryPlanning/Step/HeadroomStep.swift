import Models
import Quantities

/// What lives in a training step of this program beside what lives throughout: the closed form of its peak.
///
/// Layers that are alike are followed at their ends alone: what lives grows or falls by the same bytes from one to
/// the next, so that the maximum is at an end.
package struct HeadroomStep {
  package let structure: StepStructure
  private let entries: [StepGraph.Entry]

  package init(_ structure: StepStructure) {
    self.structure = structure
    entries = Self.entries(structure)
  }

  /// - Parameters:
  ///   - fixed: bytes that live throughout, which a budget counts, too.
  ///   - counts: that a budget is for.
  package func form(isExplained: Bool = false, fixed: Int = 0, counts: BatchCounts? = nil)
    -> StepForm?
  {
    let graph = StepGraph(structure, entries: entries)
    guard case .budget(let budget) = structure.checkpointing else {
      return Self.form(lives(graph, keeps), graph, isExplained)
    }
    guard let counts else { return nil }
    return budgeted(graph, budget - fixed, counts, isExplained)
  }

  private func lives(_ graph: StepGraph, _ keeps: (StepGraph.Fact) -> Bool) -> StepLives {
    StepLives(
      graph,
      .init(
        accumulates: structure.accumulates, updatesInBackward: structure.updatesInBackward,
        clips: structure.measuresNorm), keeps: keeps)
  }

  // MARK: What is kept

  private func keeps(_ fact: StepGraph.Fact) -> Bool {
    guard let entry = fact.entry else { return true }
    let layer = entries[entry].layer
    switch structure.checkpointing {
    case .all, .budget: return true
    case .pointwise: return fact.part != .pointwise
    case .attention: return fact.part != .scores
    case .layers(let count): return layer >= count || fact.part == .input
    case .block: return fact.part == .input
    case .segments(let count):
      return fact.part == .input
        && (0..<count).contains { $0 * structure.shape.layers / count == layer }
    }
  }

  /// Layers that are alike: the first two, those between, and the last of each stretch.
  private static func entries(_ structure: StepStructure) -> [StepGraph.Entry] {
    let layers = structure.shape.layers
    switch structure.checkpointing {
    case .segments, .budget: return (0..<layers).map { StepGraph.Entry(layer: $0, count: 1) }
    case .layers(let count): return stretch(0..<count) + stretch(count..<layers)
    default: return stretch(0..<layers)
    }
  }

  private static func stretch(_ range: Range<Int>) -> [StepGraph.Entry] {
    guard range.count > 4 else { return range.map { StepGraph.Entry(layer: $0, count: 1) } }
    let first = range.lowerBound
    return [
      StepGraph.Entry(layer: first, count: 1), StepGraph.Entry(layer: first + 1, count: 1),
      StepGraph.Entry(layer: first + 2, count: range.count - 3),
      StepGraph.Entry(layer: range.upperBound - 1, count: 1),
    ]
  }

  // MARK: A budget

  /// What can be dropped, in the order in which it is.
  private static let groups: [Set<StepGraph.Part>] = [
    [.pointwise], [.attended, .scores], [.expanded], [.projected], [.middle], [.small],
  ]

  /// As much is dropped as a budget asks for, group by group, of the first layers first.
  private func budgeted(
    _ graph: StepGraph, _ budget: Int, _ counts: BatchCounts, _ isExplained: Bool
  ) -> StepForm? {
    let layers = structure.shape.layers
    for count in 0...Self.groups.count * layers {
      let lives = lives(graph) { fact in
        guard let entry = fact.entry,
          let group = Self.groups.firstIndex(where: { $0.contains(fact.part) })
        else { return true }
        return group * layers + entry >= count
      }
      let form = Self.form(lives, graph, isExplained)
      if form.peak(at: counts) <= budget { return form }
    }
    return nil
  }

  // MARK: Moments

  private static func form(
    _ found: StepLives, _ graph: StepGraph, _ isExplained: Bool
  ) -> StepForm {
    let count = found.instructions.count
    var (begins, ends) = (
      [[Int]](repeating: [], count: count + 1), [[Int]](repeating: [], count: count + 1)
    )
    let spans = graph.entries.indices.map { EntrySpan(found, entry: $0) }
    var sizes = found.lives.map(\.size)
    for (index, life) in found.lives.enumerated() {
      begins[life.isLasting ? 0 : life.first].append(index)
      ends[life.isLasting ? count - 1 : life.last].append(index)
      guard life.isLasting, let entry = life.entry else { continue }
      sizes[index] = life.size * graph.entries[entry].count
    }
    // What a passed layer keeps, or leaves behind, is there as often as it is passed.
    var extra: [Int: [(index: Int, sign: Int)]] = [:]
    for (index, life) in found.lives.enumerated() where !life.isLasting {
      guard let entry = life.entry, graph.entries[entry].count > 1 else { continue }
      for (from, to) in spans[entry].outside(life) {
        extra[from, default: []].append((index, graph.entries[entry].count - 1))
        extra[to, default: []].append((index, 1 - graph.entries[entry].count))
      }
    }
    var tape = MomentList(isExplained: isExplained)
    for instruction in 0..<count {
      for (index, times) in extra[instruction] ?? [] {
        tape.add(sizes[index] * times, found.lives[index].role, name: found.lives[index].name)
      }
      for index in begins[instruction] {
        tape.add(sizes[index], found.lives[index].role, name: found.lives[index].name)
      }
      let one = found.instructions[instruction]
      let layer = one.entry.map { ", layer \(graph.entries[$0].layer)" } ?? ""
      tape.note(one.phase, one.name + layer)
      for index in ends[instruction] {
        tape.add(.zero - sizes[index], found.lives[index].role, name: found.lives[index].name)
      }
    }
    return StepForm(moments: tape.moments)
  }

  /// Where a passed layer's own instructions lie.
  private struct EntrySpan {
    private var forward: Range<Int> = 0..<0
    private var backward: Range<Int> = 0..<0

    init(_ lives: StepLives, entry: Int) {
      let places = lives.instructions.indices.filter { lives.instructions[$0].entry == entry }
      let ahead = places.filter { lives.instructions[$0].phase == .forward }
      let back = places.filter { lives.instructions[$0].phase != .forward }
      if let first = ahead.first, let last = ahead.last { forward = first..<last + 1 }
      if let first = back.first, let last = back.last { backward = first..<last + 1 }
    }

    /// Stretches of a life in which the other layers' like it are there, too.
    func outside(_ life: StepLives.Life) -> [(Int, Int)] {
      var found: [(Int, Int)] = []
      // From the layer's end on the way forward to its beginning on the way back.
      if life.first < forward.upperBound, life.last >= backward.lowerBound, !backward.isEmpty {
        found.append((forward.upperBound, backward.lowerBound))
      }
      // What the way back makes, and leaves.
      if backward.contains(life.first), life.last >= backward.upperBound {
        found.append((backward.upperBound, life.last + 1))
      }
      return found
    }
  }
}
