import Foundation
import Kernels
import Quantities
import Testing

/// AdamW with states of 8 bits against bitsandbytes': see `adamw8.py`.
struct NarrowStateGoldenTests {
  private struct File: Decodable {
    let cases: Cases

    struct Cases: Decodable {
      let options: [String: Float]
      let tensors: [Golden]
    }
  }

  struct Golden: Decodable, Sendable {
    let name: String
    let steps: [Step]

    struct Step: Decodable, Sendable {
      let weights: GoldenArray
      let m: GoldenArray?
      let v: GoldenArray?
      let mAbsmax: GoldenArray?
      let vAbsmax: GoldenArray?
    }
  }

  private static func file() throws -> File.Cases {
    let url = try #require(Bundle.module.url(forResource: "adamw8", withExtension: "json"))
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).cases
  }

  private func drawn(_ stream: Int, _ element: Int) -> Float {
    uniformOfGolden(UInt32(stream), UInt32(element))
  }

  private func uniformOfGolden(_ stream: UInt32, _ element: UInt32) -> Float {
    Float(hash32(stream, element) >> 8) * 0x1p-23 - 1
  }

  /// The gradient of step t = 1 … 5: smaller from block to block, and nothing in block 3.
  private func gradient(_ tensor: Int, _ step: Int, _ element: Int) -> Float {
    let block = element / 256
    return block == 3 ? 0 : drawn(10 * tensor + step, element) * exp2(-Float(block))
  }

  /// Codes differ where a product is rounded otherwise next to the middle of two levels: a few in a thousand at
  /// the most. Weights differ by what a level is off then, which is less than a step of the rate.
  @Test(arguments: [0, 1], InstructionSet.having(.training).filter { $0.missing == nil })
  func `weights, codes and scales are those of another implementation`(
    tensor: Int, instructions: InstructionSet
  ) throws {
    let file = try Self.file()
    let golden = file.tensors[tensor]
    let count = golden.steps[0].weights.values.count
    let optimizer = Optimizer(
      .adamw8, rate: try #require(file.options["rate"]),
      beta1: try #require(file.options["beta1"]), beta2: try #require(file.options["beta2"]),
      epsilon: try #require(file.options["epsilon"]), decay: try #require(file.options["decay"]))
    var weights = (0..<count).map { drawn(10 * tensor, $0) / 8 }
    var states = [UInt8](repeating: 0, count: optimizer.rule.stateBytes(of: count).count)
    let pool = try ThreadPool(threads: 1)
    for (index, expected) in golden.steps.enumerated() {
      let gradients = (0..<count).map { gradient(tensor, index + 1, $0) }
      weights.withUnsafeMutableBufferPointer { w in
        states.withUnsafeMutableBytes { states in
          gradients.withUnsafeBufferPointer { g in
            guard let w = w.baseAddress, let g = g.baseAddress else { return }
            optimizer.run(
              Optimizer.Operands(w: w, states: states.baseAddress, gradient: g, count: count),
              step: index + 1, rate: optimizer.rate, instructions: instructions, pool: pool)
          }
        }
      }
      let off = zip(weights, expected.weights.values).filter { abs(Double($0) - $1) > 2e-6 }
      #expect(off.count <= count / 200, "\(off.count) weights stray in step \(index + 1)")
      #expect(off.allSatisfy { abs(Double($0) - $1) < 0.01 })
      guard tensor == 0, let m = expected.m, let v = expected.v else { continue }
      let others = (0..<count).count {
        Double(states[$0]) != m.values[$0] || Double(states[count + $0]) != v.values[$0]
      }
      #expect(others <= count / 200, "\(others) codes differ in step \(index + 1)")
    }
  }

  @Test func `states take 2 bytes a number and 8 a block, and small tensors keep theirs in fp32`() {
    #expect(Optimizer.Rule.adamw8.stateBytes(of: 4096).count == 2 * 4096 + 8 * 16)
    #expect(Optimizer.Rule.adamw8.stateBytes(of: 4095).count == 8 * 4095)
    let (narrow, wide) = (
      Optimizer.Rule.adamw8.stateBytes(of: 1 << 20), Optimizer.Rule.adamw.stateBytes(of: 1 << 20)
    )
    #expect(Double(narrow.count) <= 0.26 * Double(wide.count))
  }
}
