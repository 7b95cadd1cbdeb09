import Foundation
import Kernels
import Quantities
import Testing

/// Norms, SwiGLU and look-ups there and back, against a plain formula in fp64 and its central differences.
struct PointwiseGradientTests {
  private static let sizes = [1, 2, 7, 15, 16, 17, 33, 64, 100]
  private static let epsilon: Float = 1e-5

  /// The derivative of Σ weights · formula(x) by each number of x: a step of 1e-5 leaves 1e-10 of it.
  private func slopes(
    _ x: [Double], _ weights: [Double], _ formula: ([Double]) -> [Double]
  ) -> [Double] {
    func value(_ x: [Double]) -> Double {
      zip(formula(x), weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return x.indices.map { index in
      var (above, below) = (x, x)
      above[index] += 1e-5
      below[index] -= 1e-5
      return (value(above) - value(below)) / 2e-5
    }
  }

  private func norm(_ x: [Double], _ gain: [Double]) -> [Double] {
    let columns = gain.count
    return x.indices.map { index in
      let start = index / columns * columns
      let mean = x[start..<start + columns].reduce(0) { $0 + $1 * $1 } / Double(columns)
      return x[index] / (mean + Double(Self.epsilon)).squareRoot() * gain[index % columns]
    }
  }

  @Test(arguments: sizes, InstructionSet.trained)
  func `a norm and its gradients are the formula's`(columns: Int, instructions: InstructionSet)
    throws
  {
    let rows = 5
    let ledger = try MemoryLedger(fence: 256)
    let x = try ledger.drawn([rows, columns], seed: 1)
    let gain = try ledger.drawn([columns], seed: 2)
    let dy = try ledger.drawn([rows, columns], seed: 3)
    let (y, dx) = (
      try ledger.tensor(.fp32, [rows, columns], .activations),
      try ledger.drawn([rows, columns], seed: 4)
    )
    let inverse = try ledger.tensor(.fp32, [rows], .activations)
    let dgain = try ledger.drawn([columns], seed: 5)
    let (dxBefore, dgainBefore) = (dx.doubles, dgain.doubles)
    let norm = RootMeanSquareNorm(
      columns: columns, epsilon: Self.epsilon, instructions: instructions, pool: try makePool())
    norm.forward(x.start, gain: gain.floats, rows: rows, to: y.start, inverse: inverse.floats)
    #expect(distance(y.doubles, from: self.norm(x.doubles, gain.doubles)) < 2e-6)
    let byX = slopes(x.doubles, dy.doubles) { self.norm($0, gain.doubles) }
    let byGain = slopes(gain.doubles, dy.doubles) { self.norm(x.doubles, $0) }
    for accumulates in [true, false] {
      norm.backward(
        x.start, gain: gain.floats, inverse: inverse.floats, dy: dy.floats, rows: rows,
        to: dx.floats, accumulates: accumulates)
      norm.gainGradient(
        x.start, inverse: inverse.floats, dy: dy.floats, rows: rows, to: dgain.floats,
        accumulates: accumulates)
      let before = accumulates ? 1.0 : 0
      // Of one column, a row's gradient is what is left of two terms that are equal but for epsilon.
      let size = max(1, byX.map(abs).max() ?? 0)
      let found = dx.doubles
      let farthest = found.indices.map { abs(byX[$0] + before * dxBefore[$0] - found[$0]) }.max()
      #expect(farthest ?? .infinity < 1e-5 * size)
      #expect(
        distance(dgain.doubles, from: zip(byGain, dgainBefore).map { $0 + before * $1 }) < 5e-6)
    }
    #expect(ledger.brokenFences == [])
  }

  private func swiglu(_ gate: [Double], _ up: [Double]) -> [Double] {
    zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
  }

  /// Gates up to ±30, where the sigmoid is 0 or 1; the gradient of `up` takes the place of the output's.
  @Test(arguments: sizes + [1000], InstructionSet.trained)
  func `SwiGLU and its gradients are the formula's`(count: Int, instructions: InstructionSet)
    throws
  {
    let ledger = try MemoryLedger(fence: 256)
    let gate = try ledger.drawn([count], seed: 1)
    for index in 0..<count { gate.store(gate[index] * Float([1, 6, 30][index % 3]), at: index) }
    let up = try ledger.drawn([count], seed: 2)
    let dy = try ledger.drawn([count], seed: 3)
    let (y, dgate) = (
      try ledger.tensor(.fp32, [count], .activations),
      try ledger.tensor(.fp32, [count], .activations)
    )
    let swiglu = SwiGLU(instructions: instructions, pool: try makePool())
    swiglu.forward(gate: gate.start, up: up.start, count: count, to: y.start)
    #expect(distance(y.doubles, from: self.swiglu(gate.doubles, up.doubles)) < 1e-6)
    // Each number depends on its own alone: one difference moves all.
    func moved(_ x: [Double], _ by: Double) -> [Double] { x.map { $0 + by } }
    let (given, dys) = ((gate.doubles, up.doubles), dy.doubles)
    let above = self.swiglu(moved(given.0, 1e-5), given.1)
    let below = self.swiglu(moved(given.0, -1e-5), given.1)
    let byGate = dys.indices.map { dys[$0] * (above[$0] - below[$0]) / 2e-5 }
    let byUp = zip(dys, given.0).map { $0 * $1 / (1 + exp(-$1)) }
    swiglu.backward(
      gate: gate.start, up: up.start, dy: dy.floats, count: count, dgate: dgate.floats,
      dup: dy.floats)
    #expect(distance(dgate.doubles, from: byGate) < 2e-6)
    #expect(distance(dy.doubles, from: byUp) < 1e-6)
    #expect(ledger.brokenFences == [])
  }

  /// Sums of up to four fp32 numbers, each exact to a rounding.
  @Test(arguments: [1, 5, 16, 33])
  func `an embedding's gradient is the sum over a token's rows`(columns: Int) throws {
    let ids = [3, 0, 3, 6, 3, 3, 0]
    let ledger = try MemoryLedger(fence: 256)
    let table = try ledger.drawn([7, columns], seed: 1)
    let dy = try ledger.drawn([ids.count, columns], seed: 2)
    let dtable = try ledger.drawn([7, columns], seed: 3)
    let y = try ledger.tensor(.fp32, [ids.count, columns], .activations)
    let tokens = try ledger.tensor(.fp32, [ids.count], .activations)
    for (place, id) in ids.enumerated() { tokens.pointer(to: Int32.self)[place] = Int32(id) }
    var expected = dtable.doubles
    for (place, id) in ids.enumerated() {
      for column in 0..<columns {
        expected[id * columns + column] += Double(dy[place * columns + column])
      }
    }
    let embedding = TokenEmbedding(columns: columns, pool: try makePool())
    embedding.forward(
      tokens.pointer(to: Int32.self), tokens: ids.count, table: table.floats, to: y.start)
    for (place, id) in ids.enumerated() {
      #expect(
        y.doubles(place * columns..<(place + 1) * columns)
          == table.doubles(id * columns..<(id + 1) * columns))
    }
    embedding.backward(
      tokens.pointer(to: Int32.self), tokens: ids.count, dy: dy.floats, to: dtable.floats)
    #expect(distance(dtable.doubles, from: expected) < 3e-7)
    #expect(ledger.brokenFences == [])
  }
}
