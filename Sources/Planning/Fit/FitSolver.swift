import Kernels
package import MemoryPlanning
import Models
import Quantities
import Records
import Workloads

/// Answers settings, and remembers what does not depend on a batch.
package struct FitSolver {
  private let instructions: InstructionSet
  let threads: Int
  private var known = StepMemory.Known()
  private var torch: [ForeignForm: ForeignForms] = [:]

  /// What a workload's axes are where they are left out, and its best variant here.
  private struct Usual {
    let defaults: [String: String]
    let best: String
  }

  private var usual: [String: Usual] = [:]

  private mutating func known(of workload: WorkloadDescription) -> Usual {
    if let found = usual[workload.name] { return found }
    let pairs = workload.axes.compactMap { axis in
      axis.defaultValue.map { (axis.name, $0.text) }
    }
    let found = Usual(
      defaults: Dictionary(uniqueKeysWithValues: pairs), best: workload.best?.name ?? "")
    usual[workload.name] = found
    return found
  }

  private struct ForeignForm: Hashable {
    let model: String
    let options: TorchOptions
  }

  /// - Parameter threads: that this program's kernels have; all that it may use where it is nil.
  package init(threads: Int? = nil) {
    self.threads = threads ?? ThreadPool.allowedCPUs.count
    instructions = InstructionSet.having(.training).last { $0.missing == nil } ?? .portable
  }

  /// - Parameter isExplained: whether the answer lists what the peak is made of.
  /// - Throws: `SettingFault`, or another fault of the setting.
  package mutating func answer(_ setting: FitSetting, isExplained: Bool = false) throws
    -> MemoryAnswer
  {
    switch try setting.runtime() {
    case .headroom:
      return setting.workload == "training-step"
        ? try step(setting, isExplained) : try dryRun(setting)
    case .pytorch, .llamaCpp: return try foreign(setting, isExplained)
    }
  }

  // MARK: This program

  private mutating func step(_ setting: FitSetting, _ isExplained: Bool) throws -> MemoryAnswer {
    let axes = try setting.axes()
    // The fp64 reference keeps what no form says.
    guard let instructions = instructions(of: axes["variant"]) else {
      return MemoryAnswer(
        try DryRun.rehearsal(setting.workload, axes, threads: threads(of: axes)).plan)
    }
    func count(_ key: String, _ fallback: Int?) throws -> Int {
      guard let text = axes[key] else {
        guard let fallback else {
          throw SettingFault.missing(key: key, why: "what a step keeps depends on it")
        }
        return fallback
      }
      guard let number = Int(text), number >= 1, number < 1 << 32 else {
        throw SettingFault.notACount(key: key, value: text)
      }
      return number
    }
    let structure = try StepStructure(axes: axes)
    let memory = StepMemory(
      structure, batch: try count("batch", 1), tokens: try count("tokens", nil),
      accumulation: try count("accumulation", 1))
    guard
      let answer = try memory.answer(
        instructions: instructions, threads: try threads(of: axes), isExplained: isExplained,
        &known)
    else {
      throw SettingFault.contradiction(
        "no choice of what is kept obeys checkpointing \(axes["checkpointing"] ?? "")",
        mend: "use a larger budget, a smaller batch, or an adapter")
    }
    return answer
  }

  /// By its closed form; where there is none, by a dry run of the workload's own code.
  private mutating func dryRun(_ setting: FitSetting) throws -> MemoryAnswer {
    let axes = try setting.axes()
    if let workload = WorkloadCatalog.standard[setting.workload] {
      let usual =
        known(of: workload)
      let all = usual.defaults.merging(axes) { $1 }
      let named = axes["variant"] ?? VariantDescription.best
      let variant = named == VariantDescription.best ? usual.best : named
      let threads = try threads(of: axes)
      if let plan = try ClosedForm.plan(
        of: workload.name, all, variant: variant, threads: threads)
      {
        return MemoryAnswer(plan)
      }
    }
    return MemoryAnswer(
      try DryRun.rehearsal(setting.workload, try setting.axes(), threads: threads).plan)
  }

  private func instructions(of variant: String?) -> InstructionSet? {
    guard let variant, variant != VariantDescription.best else { return instructions }
    return InstructionSet.having(.training).first { $0.rawValue == variant }
  }

  private func threads(of axes: [String: String]) throws -> Int {
    guard let text = axes["threads"], text != "all" else { return threads }
    guard let count = Int(text), count >= 1 else {
      throw SettingFault.notACount(key: "threads", value: text)
    }
    return count
  }

  // MARK: Other programs

  private mutating func foreign(_ setting: FitSetting, _ isExplained: Bool) throws -> MemoryAnswer {
    let foreign = try setting.foreign()
    let key = ForeignForm(model: foreign.model.name, options: foreign.torch)
    let known = isExplained ? nil : torch[key]
    let found = try foreign.answer(isExplained: isExplained, forms: known)
    if let forms = found.forms, !isExplained { torch[key] = forms }
    return found.answer
  }
}
