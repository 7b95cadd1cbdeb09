package import MemoryPlanning
import Models
package import Quantities
package import Workloads

/// A setting answered, with what could be done about it.
package struct FitReport: Sendable {
  package let setting: FitSetting
  package let answer: MemoryAnswer
  package let limit: FitLimit?
  /// The most of an axis that fits, by its name.
  package let largest: [Largest]
  package let mends: MendSearch.Result?
  /// A dry run, where this program runs it: the second way, which must agree; and the budget that it needs.
  package let dryRun: Rehearsal?

  /// Of another program on a GPU: all that its process takes, at the least and at the most.
  package let process: Process?

  package struct Process: Hashable, Sendable {
    package let low, best, high: Bytes
  }

  package struct Largest: Hashable, Sendable {
    package let axis: String
    /// Nil where nothing fits.
    package let value: String?
    package let bytes: Bytes?
  }

  /// What a budget must have: where tensors share an arena, a little more than what lives at the peak.
  package var needed: Bytes { process?.high ?? max(answer.high, dryRun?.needed ?? .zero) }

  package var verdict: MemoryVerdict? {
    limit.map { limit in
      if let process {
        return process.high <= limit.bytes
          ? .fits : process.low > limit.bytes ? .doesNot : .cannotTell
      }
      let verdict = answer.verdict(in: limit.bytes)
      return verdict == .fits && needed > limit.bytes ? .doesNot : verdict
    }
  }
}

/// A limit, and whose it is.
package struct FitLimit: Hashable, Sendable {
  package let bytes: Bytes
  /// As `24 GiB`, or `rtx-4090`.
  package let name: String

  package init(_ bytes: Bytes, name: String) {
    self.bytes = bytes
    self.name = name
  }

  /// - Throws: `FitFault`.
  package static func of(memory: String?, device: String?) throws -> FitLimit? {
    switch (memory, device) {
    case (nil, nil): return nil
    case (.some, .some): throw FitFault.twoLimits
    case (.some(let text), nil):
      guard let last = text.last, last.isLetter, let bytes = Bytes(text), bytes > .zero else {
        throw FitFault.noAmount(text)
      }
      return FitLimit(bytes, name: bytes.description)
    case (nil, .some(let name)):
      guard let device = Device.named(name) else { throw FitFault.noDevice(name) }
      return FitLimit(device.memory, name: device.name)
    }
  }
}

/// What is wrong with a question about memory.
package enum FitFault: FaultConvertible, Hashable {
  case noAmount(String)
  case noDevice(String)
  case twoLimits
  case noModel
  case noMend(String, known: [String], option: String)
  case badFrontier(String)
  case noLimit
  case line(Int, Fault)

  package var fault: Fault {
    switch self {
    case .noAmount(let text):
      return Fault(
        "'\(text)' is no amount of memory above 0 with its unit", at: "--memory",
        fix: "write it as 24GiB or 16GB")
    case .noDevice(let name):
      let names = Device.all.map(\.name)
      let nearest = nearestName(to: name, among: names).map { "; did you mean '\($0)'?" } ?? ""
      return Fault(
        "there is no device '\(name)'\(nearest)", at: "--device",
        fix: "use one of \(names.joined(separator: ", ")), or give --memory")
    case .twoLimits:
      return Fault("--memory and --device exclude each other", fix: "leave one of them out")
    case .noModel:
      return Fault(
        "there is nothing to fit",
        fix: "give --model NAME, or --from FILE.jsonl, or --score FILE.csv; "
          + "headroom list models has the names")
    case .badFrontier(let text):
      return Fault(
        "'\(text)' is not two axes", at: "--frontier", fix: "write --frontier batch,tokens")
    case .noLimit:
      return Fault(
        "a frontier needs a limit", fix: "give --memory 24GiB or --device rtx-4090")
    case .noMend(let name, let known, let option):
      let nearest = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      return Fault(
        "there is no change '\(name)' of such a setting\(nearest)", at: option,
        fix: "use one of \(known.joined(separator: ", "))")
    case .line(let number, let fault):
      return Fault(
        fault.what, at: "line \(number)\(fault.place.map { ", \($0)" } ?? "")", fix: fault.mend)
    }
  }
}

extension FitSolver {
  /// What a setting takes, the most that fits, and what would make it fit.
  ///
  /// - Parameters:
  ///   - allowed: names of changes that may be made; all where it is nil.
  ///   - prices: measured ones, by the words of a change.
  package mutating func report(
    _ setting: FitSetting, limit: FitLimit?, isExplained: Bool, allowed: Set<String>?,
    prices: [String: MendPrice] = [:]
  ) throws -> FitReport {
    let answer = try answer(setting, isExplained: isExplained)
    let isOwn = try setting.runtime() == .headroom
    let dryRun = isOwn ? try rehearsal(setting) : nil
    let process =
      isOwn
      ? nil : try setting.foreign().process().map { FitReport.Process(low: $0, best: $1, high: $2) }
    guard let limit else {
      return FitReport(
        setting: setting, answer: answer, limit: nil, largest: [], mends: nil, dryRun: dryRun,
        process: process)
    }
    let isTraining = try setting.isTraining()
    let axes =
      isTraining
      ? ["batch", "tokens"]
      : isOwn && setting.workload != "decoder" ? [] : ["batch", isOwn ? "depth" : "ctx"]
    var most =
      axes.map { self.largest($0, of: setting, in: limit.bytes) }
    if setting.workload == "decoder", !isTraining, let format = widest(of: setting, in: limit.bytes)
    {
      most.append(format)
    }
    var mends: MendSearch.Result?
    if max(answer.high, dryRun?.needed ?? .zero, process?.high ?? .zero) > limit.bytes {
      mends = try search(setting, answer, limit.bytes, allowed, prices)
    }
    return FitReport(
      setting: setting, answer: answer, limit: limit, largest: most, mends: mends,
      dryRun: dryRun, process: process)
  }

  /// Every change that such a setting has.
  package func mends(of setting: FitSetting, prices: [String: MendPrice] = [:]) throws -> [Mend] {
    let isOwn = try setting.runtime() == .headroom
    let isTraining = try setting.isTraining()
    let given = isOwn ? try setting.axes() : setting.values
    return MendCatalog.mends(for: given, isTraining: isTraining, isOwn: isOwn).map { mend in
      prices[mend.words].map(mend.priced) ?? mend
    }
  }

  private mutating func search(
    _ setting: FitSetting, _ base: MemoryAnswer, _ limit: Bytes, _ allowed: Set<String>?,
    _ prices: [String: MendPrice]
  ) throws -> MendSearch.Result {
    let mends = try mends(of: setting, prices: prices).filter {
      allowed?.contains($0.name) ?? true
    }
    var solver = self
    let isOwn = try setting.runtime() == .headroom
    func search(_ answer: ([String: String?]) -> MemoryAnswer?) -> MendSearch.Result {
      MendSearch(base, limit: limit, mends: mends).run(answer)
    }
    var result = search { try? solver.answer(setting.changing($0)) }
    if isOwn, !result.fitting.isEmpty {
      let fitting = rehearsed(result.fitting, setting, limit)
      // Where nothing is left of what fits by its peak, more changes together may fit as they are laid out.
      result =
        fitting.isEmpty
        ? search { changes in
          let changed = setting.changing(changes)
          guard let found = try? solver.answer(changed), found.high <= limit else {
            return try? solver.answer(changed)
          }
          return (try? solver.rehearsal(changed)).map { found.needing($0.needed) }
        }
        : MendSearch.Result(fitting: fitting, helpful: result.helpful, useless: result.useless)
    }
    self = solver
    return result
  }

  /// Of what fits by its peak, what fits as it is laid out, too.
  private func rehearsed(
    _ proposals: [MendSearch.Proposal], _ setting: FitSetting, _ limit: Bytes
  ) -> [MendSearch.Proposal] {
    var fitting: [MendSearch.Proposal] = []
    for one in proposals where fitting.count < Self.proposed {
      let needed = (try? rehearsal(setting.changing(one.changes)))?.needed
      if let needed, needed <= limit { fitting.append(one) }
    }
    return fitting
  }

  /// So many are looked at by a dry run, and proposed.
  private static let proposed = 8

  private func rehearsal(_ setting: FitSetting) throws -> Rehearsal {
    try DryRun.rehearsal(setting.workload, try setting.axes(), threads: threads)
  }

  /// The largest value of a whole number's axis that fits.
  mutating func largest(_ axis: String, of setting: FitSetting, in limit: Bytes)
    -> FitReport.Largest
  {
    var solver = self
    func bytes(_ value: Int) -> Bytes? {
      (try? solver.answer(setting.changing([axis: "\(value)"])))?.high
    }
    func fits(_ value: Int) -> Bool { bytes(value).map { $0 <= limit } ?? false }
    guard fits(1) else { return .init(axis: axis, value: nil, bytes: nil) }
    var (low, high) = (1, 2)
    while high < 1 << 24, fits(high) { (low, high) = (high, high * 2) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if fits(middle) { low = middle } else { high = middle }
    }
    let found = bytes(low)
    self = solver
    return .init(axis: axis, value: "\(low)", bytes: found)
  }

  /// The format of the most bits that fits.
  private mutating func widest(of setting: FitSetting, in limit: Bytes) -> FitReport.Largest? {
    guard (try? setting.runtime()) == .headroom else { return nil }
    for format in ["fp32", "fp16", "q8_0", "q6_k", "q5_k", "q4_k", "q3_k", "q2_k"] {
      let other = setting.changing(["format": format, "bits": nil])
      if let bytes = (try? answer(other))?.high, bytes <= limit {
        return .init(axis: "format", value: format, bytes: bytes)
      }
    }
    return .init(axis: "format", value: nil, bytes: nil)
  }
}

extension FitSetting {
  /// Whether it is a step of training; else a model, or a part of one, runs.
  func isTraining() throws -> Bool {
    try runtime() == .headroom ? workload == "training-step" : !foreign().isInference
  }
}
