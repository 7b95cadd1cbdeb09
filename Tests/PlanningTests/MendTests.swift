import Kernels
import MemoryPlanning
import Planning
import Quantities
import Testing
import Workloads

/// Changes that are proposed for random settings which do not fit, against dry runs of the program's own code.
@Suite struct MendTests {
  /// The closed form by itself, without the search and what it remembers.
  private func peak(_ setting: FitSetting) throws -> Bytes {
    let axes = try setting.axes()
    func count(_ key: String) -> Int { axes[key].flatMap { Int($0) } ?? 1 }
    let memory = StepMemory(
      try StepStructure(axes: axes), batch: count("batch"), tokens: count("tokens"),
      accumulation: count("accumulation"))
    let instructions = try #require(
      InstructionSet.having(.training).last { $0.missing == nil })
    let plan = try memory.plan(instructions: instructions, threads: DrawnStep.threads)
    return try #require(plan).peak
  }

  @Test func `each drawn setting is one, most can be mended, and some changes are no use`() {
    let all = OverfullStep.all
    #expect(all.count == 60)
    #expect(all.allSatisfy { $0.report.verdict == .doesNot && $0.report.mends != nil })
    #expect(all.count { $0.report.mends?.fitting.isEmpty == false } >= 40)
    #expect(all.count { $0.report.mends?.useless.isEmpty == false } >= 20)
  }

  @Test(arguments: OverfullStep.all)
  func `what is proposed fits as a dry run has it, and takes what is said to the byte`(
    step: OverfullStep
  ) throws {
    for one in step.report.mends?.fitting ?? [] {
      let axes = try step.setting.changing(one.changes).axes()
      let dry = try DryRun.rehearsal("training-step", axes, threads: DrawnStep.threads)
      #expect(dry.needed <= step.limit, "\(one.words)")
      #expect(dry.plan.peak == one.answer.high, "\(one.words)")
      #expect(dry.plan.byRole == one.answer.byRole, "\(one.words)")
    }
  }

  @Test(arguments: OverfullStep.all)
  func `what a change saves is one closed form less the other`(step: OverfullStep) throws {
    let before = try peak(step.setting)
    #expect(before == step.report.answer.high)
    let mends = try #require(step.report.mends)
    for one in mends.fitting + mends.helpful {
      #expect(one.saved == before - (try peak(step.setting.changing(one.changes))), "\(one.words)")
      #expect(one.saved > .zero, "\(one.words)")
    }
    for one in mends.useless {
      #expect(try peak(step.setting.changing(one.changes)) >= before, "\(one.words)")
    }
  }

  @Test(arguments: OverfullStep.all)
  func `no change of a proposal can be left out`(step: OverfullStep) throws {
    for one in step.report.mends?.fitting ?? [] where one.mends.count > 1 {
      for left in one.mends.indices {
        var rest = one.mends
        rest.remove(at: left)
        let changes = rest.reduce(into: [String: String?]()) { $0.merge($1.changes) { $1 } }
        // Some changes make a problem only together.
        guard let fewer = try? peak(step.setting.changing(changes)) else { continue }
        #expect(fewer > step.limit, "\(one.words) without \(one.mends[left].words)")
      }
    }
  }

  @Test(arguments: OverfullStep.all)
  func `what trains the same is proposed first, and the cheapest of that`(step: OverfullStep)
    throws
  {
    let fitting = try #require(step.report.mends).fitting
    let same = fitting.filter { !$0.changesTraining }
    #expect(Array(fitting.prefix(same.count)) == same)
    #expect(same.map(\.cost) == same.map(\.cost).sorted())
  }
}
