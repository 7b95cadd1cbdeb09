import Foundation
import Kernels
import Quantities
import Testing

/// The way back through attention, against the formula in fp64.
struct AttentionBackwardTests {
  /// A call: shapes, mask and how operands are stored.
  struct Call: CustomTestStringConvertible, Sendable {
    var batch = 1
    var kvHeads = 1
    var group = 1
    var headDim: Int
    var tokens: Int
    var mask = AttentionMask.causal
    var precision = FloatFormat.fp32

    var heads: Int { kvHeads * group }
    var testDescription: String {
      "\(batch) × \(tokens) tokens, \(heads) heads of \(headDim) by \(group), \(mask), \(precision)"
    }

    func attention(_ instructions: InstructionSet) -> AttentionPrefill {
      AttentionPrefill(
        batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: tokens, mask: mask,
        precision: precision, instructions: instructions)
    }
  }

  private static let masks: [AttentionMask] = [.causal, .full, .window(1), .window(5), .blocks]
  private static let small =
    masks.flatMap { mask in
      [
        Call(headDim: 1, tokens: 1, mask: mask),
        Call(batch: 2, kvHeads: 2, group: 3, headDim: 7, tokens: 37, mask: mask),
        Call(batch: 3, kvHeads: 1, group: 2, headDim: 64, tokens: 16, mask: mask),
        Call(kvHeads: 3, headDim: 33, tokens: 17, mask: mask),
      ]
    } + (1...20).map { Call(headDim: 5, tokens: $0) }
  private static let large = [
    Call(kvHeads: 2, group: 2, headDim: 20, tokens: 200),
    Call(kvHeads: 1, group: 2, headDim: 20, tokens: 200, mask: .full),
    Call(kvHeads: 1, group: 2, headDim: 10, tokens: 200, mask: .window(67)),
    Call(kvHeads: 1, group: 2, headDim: 20, tokens: 700),
    Call(kvHeads: 1, headDim: 9, tokens: 700, mask: .blocks),
    Call(kvHeads: 1, headDim: 120, tokens: 700, mask: .window(150)),
    Call(kvHeads: 1, headDim: 120, tokens: 500, mask: .full),
  ]
  private static let narrow = [FloatFormat.fp16, .bf16].flatMap { precision in
    [
      Call(batch: 2, kvHeads: 2, group: 2, headDim: 16, tokens: 37, precision: precision),
      Call(kvHeads: 1, headDim: 11, tokens: 130, mask: .blocks, precision: precision),
    ]
  }

  /// A score is a sum of `headDim` products, and its error becomes a relative one of its exponential: scores up to
  /// 2 · √headDim / 3 of some 16 roundings; gradients are sums over keys or queries of such terms. Within 1e-5 of
  /// the largest, and 3e-5 over hundreds of tokens. Who sees one key has a gradient of 0: two terms of about 1 are
  /// taken from each other.
  @Test(arguments: small + large + narrow)
  func `gradients are those of the formula, and nothing is written beside them`(call: Call) throws {
    var expected: Expected?
    for instructions in InstructionSet.trained {
      let ledger = try MemoryLedger(fence: 256)
      let run = try Run(call, instructions, in: ledger, threads: 1)
      let wanted = expected ?? Expected(call, run)
      expected = wanted
      let limit = call.tokens > 100 ? 3e-5 : 1e-5
      #expect(
        distance(run.dq.doubles, from: wanted.dq, least: 0.5) < limit,
        "dq, \(instructions.rawValue)")
      #expect(
        distance(run.dk.doubles, from: wanted.dk, least: 0.5) < limit,
        "dk, \(instructions.rawValue)")
      #expect(distance(run.dv.doubles, from: wanted.dv) < limit, "dv, \(instructions.rawValue)")
      #expect(ledger.brokenFences == [], "\(instructions.rawValue)")
    }
  }

  /// To the base 2, in the order that the way back reads.
  @Test(arguments: small + large + narrow)
  func `the way forward leaves the logarithms of its sums`(call: Call) throws {
    for instructions in InstructionSet.trained {
      let run = try Run(call, instructions, in: try MemoryLedger(), threads: 1)
      let wanted = Expected(call, run, gradients: false)
      let farthest =
        zip(run.logSums.doubles, wanted.logSums).map { abs($0 - $1) }.max() ?? .infinity
      #expect(farthest < 2e-5, "\(instructions.rawValue)")
    }
  }
}

extension Threaded {
  struct AttentionBackwardBitsTests {
    @Test(arguments: [2, 3, 7], InstructionSet.trained)
    func `bits do not depend on the threads`(threads: Int, instructions: InstructionSet) throws {
      let call = AttentionBackwardTests.Call(
        batch: 3, kvHeads: 3, group: 2, headDim: 12, tokens: 50)
      func bits(_ threads: Int) throws -> [[Double]] {
        let run = try Run(call, instructions, in: try MemoryLedger(), threads: threads)
        return [run.dq.doubles, run.dk.doubles, run.dv.doubles]
      }
      #expect(try bits(threads) == bits(1))
    }
  }
}

/// One call there and back.
private struct Run {
  let q: Tensor
  let k: Tensor
  let v: Tensor
  /// As the way back reads it: in the operation's precision.
  let o: Tensor
  let gradient: Tensor
  let logSums: Tensor
  let dq: Tensor
  let dk: Tensor
  let dv: Tensor

  init(
    _ call: AttentionBackwardTests.Call, _ instructions: InstructionSet, in ledger: MemoryLedger,
    threads: Int
  ) throws {
    let type = call.precision.elementType
    let rows = call.batch * call.tokens
    let (queries, keys) = ([rows, call.heads * call.headDim], [rows, call.kvHeads * call.headDim])
    q = try ledger.drawn(queries, type, seed: 1)
    k = try ledger.drawn(keys, type, seed: 2)
    v = try ledger.drawn(keys, type, seed: 3)
    gradient = try ledger.drawn(queries, seed: 4)
    logSums = try ledger.tensor(.fp32, [rows, call.heads], .activations)
    dq = try ledger.tensor(.fp32, queries, .activations)
    dk = try ledger.tensor(.fp32, keys, .activations)
    dv = try ledger.tensor(.fp32, keys, .activations)
    let wide = try ledger.tensor(.fp32, queries, .activations)
    o = try ledger.tensor(type, queries, .activations)
    for tensor in [dq, dk, dv, wide, logSums] { tensor.fillNaN() }
    let execution = Execution(ledger: ledger, pool: try makePool(threads: threads))
    let attention = call.attention(instructions)
    try LayeredAttention(attention, execution)
      .kernel(.init(q: q, k: k, v: v, o: wide, logSums: logSums)).run()
    for index in 0..<o.count { o.store(wide[index], at: index) }
    try AttentionBackward(attention, execution).run(
      .init(
        q: q.start, k: k.start, v: v.start, o: o.start, gradient: gradient.floats,
        logSums: logSums.floats, dq: dq.floats, dk: dk.floats, dv: dv.floats))
  }
}

/// softmax(q · kᵀ / √head-dim) · v, differentiated by hand, with the output that was given.
private struct Expected {
  private(set) var dq: [Double]
  private(set) var dk: [Double]
  private(set) var dv: [Double]
  private(set) var logSums: [Double]

  init(_ call: AttentionBackwardTests.Call, _ run: Run, gradients: Bool = true) {
    let (q, k, v, o) = (run.q.doubles, run.k.doubles, run.v.doubles, run.o.doubles)
    let gradient = run.gradient.doubles
    let (tokens, depth, scale) = (call.tokens, call.headDim, 1 / Double(call.headDim).squareRoot())
    (dq, dk, dv) = (q.map { _ in 0 }, k.map { _ in 0 }, v.map { _ in 0 })
    logSums = Array(repeating: 0, count: call.batch * tokens * call.heads)
    func dot(_ a: [Double], _ from: Int, _ b: [Double], _ other: Int) -> Double {
      var sum = 0.0
      for index in 0..<depth { sum += a[from + index] * b[other + index] }
      return sum
    }
    for sequence in 0..<call.batch {
      for head in 0..<call.heads {
        let (kvHead, member) = (head / call.group, head % call.group)
        for query in 0..<tokens {
          let at = ((sequence * tokens + query) * call.heads + head) * depth
          let keys = (0..<tokens).filter { call.mask.sees(key: $0, from: query) }
          func place(_ key: Int) -> Int {
            ((sequence * tokens + key) * call.kvHeads + kvHead) * depth
          }
          let weights = keys.map { exp(scale * dot(q, at, k, place($0))) }
          let sum = weights.reduce(0, +)
          logSums[((sequence * call.kvHeads + kvHead) * tokens + query) * call.group + member] =
            log2(sum)
          guard gradients else { continue }
          let delta = dot(o, at, gradient, at)
          for (key, weight) in zip(keys, weights) {
            let (p, from) = (weight / sum, place(key))
            let slope = p * (dot(gradient, at, v, from) - delta) * scale
            for index in 0..<depth {
              dv[from + index] += p * gradient[at + index]
              dq[at + index] += slope * k[from + index]
              dk[from + index] += slope * q[at + index]
            }
          }
        }
      }
    }
  }
}
