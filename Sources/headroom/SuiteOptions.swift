import ArgumentParser
import Kernels
import Measuring
import Planning

/// What `plan` and `sweep` share: which suite, which cases, measured how.
struct SuiteOptions: ParsableArguments {
  @Argument(help: "The suite file.")
  var suite: String?

  @Option(help: "A case inline instead of a suite: the workload.")
  var workload: String?

  @Option(name: .customShort("a"), help: "An axis and its values, as m=1,8 or n=1024-8192*2.")
  var axes: [String] = []

  @Option(help: "Only cases in whose id this regular expression is found.")
  var filter: String?

  @Option(help: "Every N-th case from the I-th, as 1/4.")
  var shard: String?

  @Option(help: "Bytes that a case's tensors may take, as 8GiB.")
  var memoryLimit: String?

  @Option(help: "Time for a case's samples, as 5s.")
  var budget: String?

  @Option(help: "The half-width of the interval at which a case is done, as 1%.")
  var within: String?

  @Option(help: "Fresh processes a case.")
  var runs: String?

  @Option(help: "Time after which a child that does not answer is killed, as 60s.")
  var timeout: String?

  @Option(help: "The number that the order of cases and the operands follow from.")
  var seed: String?

  @Option(help: "The processors to use, as 0,1 or 0-3.")
  var cpus: String?

  /// Whether cases are asked for at all.
  var isGiven: Bool { suite != nil || workload != nil || !axes.isEmpty }

  /// The processors that cases are bound to.
  func processors() throws -> [Int] {
    guard let text = Environment.value(cpus, for: "cpus") else { return ThreadPool.allowedCPUs }
    var chosen: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends[0], let last = ends[ends.count - 1], ends.count <= 2, first <= last,
        last - first < 4096
      else { throw ConsoleFault.badProcessors(text) }
      chosen += Array(first...last)
    }
    let allowed = Set(ThreadPool.allowedCPUs)
    guard !chosen.isEmpty, Set(chosen).count == chosen.count, chosen.allSatisfy(allowed.contains)
    else { throw ConsoleFault.badProcessors(text) }
    return chosen
  }

  /// The whole plan, with filter and shard.
  func plan() throws -> Plan {
    let cores = try processors().count
    var options = MeasureOptions()
    for (key, given) in [
      (MeasureKey.memoryLimit, memoryLimit), (.budget, budget), (.within, within),
      (.runs, runs), (.timeout, timeout), (.seed, seed),
    ] {
      if let text = Environment.value(given, for: key.rawValue) {
        try options.setOption(key, to: text)
      }
    }
    var plan = try Planner(cores: cores, room: MemoryRoomReader().read().room).plan(
      try readSuite(), options: options)
    if let pattern = Environment.value(filter, for: "filter") {
      plan = try plan.filtered(by: pattern)
    }
    if let text = Environment.value(shard, for: "shard") { plan = plan.shard(try Shard(text)) }
    return plan
  }

  private func readSuite() throws -> Suite {
    let workload = workload ?? (suite == nil ? Environment.value(nil, for: "workload") : nil)
    switch (suite, workload) {
    case (nil, nil): throw ConsoleFault.noSuite
    case (.some, .some): throw ConsoleFault.twoSuites
    case (nil, .some(let workload)): return try Suite(inlineWorkload: workload, axes: axes)
    case (.some(let path), nil):
      return try SuiteReader.read(path).replacing(axes, in: .standard)
    }
  }
}
