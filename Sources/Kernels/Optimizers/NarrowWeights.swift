import CMicrokernels
import Quantities

/// A parameter that is stored in bf16, as are its states unless they are in 8 bits: a few numbers at a time are
/// widened, go their step in fp32, and are rounded to the nearest again.
struct NarrowWeights {
  private let operands: Optimizer.Operands
  private let rule: Optimizer.Rule
  private let loops: hr_training_loops
  /// A multiple of the numbers that share a scale.
  private static let block = 4 * Int(HR_STATE_BLOCK)

  init(
    _ operands: Optimizer.Operands, _ rule: Optimizer.Rule, _ instructions: InstructionSet
  ) {
    self.operands = operands
    self.rule = rule
    loops = instructions.training(.bf16)
  }

  /// - Returns: how many weights were left as they were by an update that was not 0.
  func run(_ own: Range<Int>, step: (OptimizerPiece) -> Void) -> Int {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * Self.block) { scratch in
      guard let wide = scratch.baseAddress else { return 0 }
      var lost = 0
      for from in stride(from: own.lowerBound, to: own.upperBound, by: Self.block) {
        let piece = from..<min(own.upperBound, from + Self.block)
        lost += run(piece, wide, step)
      }
      return lost
    }
  }

  /// - Parameter wide: room for the weights, both states, and what the weights become.
  private func run(
    _ piece: Range<Int>, _ wide: UnsafeMutablePointer<Float>, _ step: (OptimizerPiece) -> Void
  ) -> Int {
    let (from, count) = (piece.lowerBound, piece.count)
    let w = operands.w.assumingMemoryBound(to: UInt16.self) + from
    widen(w, count, to: wide)
    let kept = keptStates(from)
    let first = wide + Self.block
    for (index, state) in kept.enumerated() { widen(state, count, to: first + index * Self.block) }
    step(
      OptimizerPiece(
        w: wide, gradient: operands.gradient + from, count: count,
        states: states(from, kept.count, first)))
    for (index, state) in kept.enumerated() {
      loops.narrow(first + index * Self.block, nil, Int64(count), state)
    }
    return store(wide, UnsafeMutableRawPointer(first + 2 * Self.block), count, to: w)
  }

  /// Those in bf16, from a number on.
  private func keptStates(_ from: Int) -> [UnsafeMutablePointer<UInt16>] {
    guard let states = operands.states, !rule.isNarrow(operands.count) else { return [] }
    let m = states.assumingMemoryBound(to: UInt16.self) + from
    return rule == .momentum ? [m] : [m, m + operands.count]
  }

  private func states(_ from: Int, _ kept: Int, _ first: UnsafeMutablePointer<Float>)
    -> OptimizerPiece.States
  {
    switch kept {
    case 0: operands.codes(from: from, rule).map { .codes($0) } ?? .none
    case 1: .one(first)
    default: .two(first, first + Self.block)
    }
  }

  private func widen(
    _ from: UnsafePointer<UInt16>, _ count: Int, to wide: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { wide[index] = Float(bitPattern: UInt32(from[index]) << 16) }
  }

  /// Rounds the weights, and counts those that were to change and do not.
  private func store(
    _ wide: UnsafePointer<Float>, _ rounded: UnsafeMutableRawPointer, _ count: Int,
    to w: UnsafeMutablePointer<UInt16>
  ) -> Int {
    loops.narrow(wide, nil, Int64(count), rounded)
    let rounded = rounded.assumingMemoryBound(to: UInt16.self)
    var lost = 0
    for index in 0..<count {
      let isMoved = wide[index].bitPattern != UInt32(w[index]) << 16
      lost += isMoved && rounded[index] == w[index] ? 1 : 0
      w[index] = rounded[index]
    }
    return lost
  }
}
