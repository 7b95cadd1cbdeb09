import Kernels
import Models
import Quantities
import Testing
import Training

/// Where a number came up first that is not finite.
struct OnsetTests {
  private func session(_ change: (inout StepSetup) -> Void = { _ in }) throws -> (
    TrainingSession, Tokens
  ) {
    var setup = StepSetup(.grouped)
    change(&setup)
    return (try TrainingSession(setup), TinyModel.grouped.tokens())
  }

  @Test func `a step of finite numbers has none`() throws {
    let (session, tokens) = try session()
    _ = session.run(tokens)
    #expect(session.step.report.onset == nil)
  }

  @Test func `the operation is named that made it of finite numbers`() throws {
    let (session, tokens) = try session()
    // Squares of such numbers are beyond fp32, and they themselves are not.
    let gate = try #require(
      session.step.parameters.first { $0.name == "model.layers.1.mlp.up_proj.weight" })
    for index in 0..<gate.count { gate.tensor.store(3e38, at: index) }
    let before = session.weights
    _ = session.run(tokens)
    let onset = try #require(session.step.report.onset)
    #expect(onset.hasPrefix("step 1, forward, layer 1: gate, up made "))
    #expect(session.weights == before, "nothing is updated by a step that is broken")
  }

  @Test func `weights that are no numbers before the step are named`() throws {
    let (session, tokens) = try session()
    let gain = try #require(session.step.parameters.first { $0.name == "model.norm.weight" })
    gain.tensor.store(.nan, at: 3)
    _ = session.run(tokens)
    #expect(
      session.step.report.onset
        == "step 1: model.norm.weight holds numbers that are not finite before it begins")
  }
}
