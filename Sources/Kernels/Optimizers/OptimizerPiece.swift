import CMicrokernels

/// Neighbouring numbers of a parameter with their states, as the loops of an optimizer take them: in fp32, or in
/// codes of 8 bits.
struct OptimizerPiece {
  let w: UnsafeMutablePointer<Float>
  let gradient: UnsafePointer<Float>
  let count: Int
  let states: States

  enum States {
    case none
    case one(UnsafeMutablePointer<Float>)
    case two(UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    case codes(Codes)
  }

  struct Codes {
    let m: UnsafeMutablePointer<UInt8>
    let v: UnsafeMutablePointer<UInt8>
    let mScales: UnsafeMutablePointer<Float>
    let vScales: UnsafeMutablePointer<Float>
  }
}

extension Optimizer.Operands {
  /// Of a parameter in fp32.
  func piece(_ own: Range<Int>, _ rule: Optimizer.Rule) -> OptimizerPiece {
    let at = own.lowerBound
    return OptimizerPiece(
      w: w.assumingMemoryBound(to: Float.self) + at, gradient: gradient + at, count: own.count,
      states: codes(from: at, rule).map { .codes($0) } ?? floats(from: at, rule))
  }

  private func floats(from at: Int, _ rule: Optimizer.Rule) -> OptimizerPiece.States {
    guard let floats = states?.assumingMemoryBound(to: Float.self) else { return .none }
    return rule == .momentum ? .one(floats + at) : .two(floats + at, floats + count + at)
  }

  /// Where states are in 8 bits.
  func codes(from at: Int, _ rule: Optimizer.Rule) -> OptimizerPiece.Codes? {
    guard let states, rule.isNarrow(count) else { return nil }
    let codes = states.assumingMemoryBound(to: UInt8.self)
    let scales = (states + 2 * rule.codes(of: count)).assumingMemoryBound(to: Float.self)
    let block = at / Int(HR_STATE_BLOCK)
    return OptimizerPiece.Codes(
      m: codes + at, v: codes + rule.codes(of: count) + at, mScales: scales + block,
      vScales: scales + rule.blocks(of: count) + block)
  }
}
