import OrderedCollections
import Quantities
import Records

extension CaseReport {
  /// All that files say of a case, in their order; the axes stand apart.
  var metrics: [Metric] {
    [
      Metric("requested_variant", `case`.axes["variant"]?.text),
      Metric("variant", variant),
      Metric("threads", threads),
      Metric("merged", .list(merged)),
      Metric("outcome", outcome.name),
      Metric("kind", outcome.kind),
      Metric("reason", outcome.reason),
      Metric("last_words", lastWords),
      Metric("work", .object(workMetrics)),
      Metric(
        "preparation",
        .object([
          Metric("seconds", .of(preparation) { .number($0.seconds.value) }),
          Metric("bytes", preparation.map(\.bytes)),
        ])),
      Metric("latency", .object(latencyMetrics)),
      Metric("throughput", .object(throughputMetrics)),
      Metric("ceiling", .object(ceilingMetrics)),
      Metric(
        "clock",
        .object([
          Metric("before", clock.map(\.before), unit: "flops_per_second"),
          Metric("after", clock.map(\.after), unit: "flops_per_second"),
          Metric("spread", clock.map(\.spread)),
          Metric("moved", clock.map(\.moved)),
        ])),
      Metric(
        "counters",
        .object(counters.sorted { $0.key < $1.key }.map { Metric($0.key, $0.value) })),
      Metric("memory", .object(memoryMetrics)),
      Metric("timeline", .of(timeline) { .stored($0) }),
      Metric("error", .object(errorMetrics)),
      Metric(
        "versus",
        .object([
          Metric("variant", versus.map(\.variant)),
          Metric("ratio", versus.map(\.ratio)),
          Metric("low", versusEnd(\.low)),
          Metric("high", versusEnd(\.high)),
        ])),
    ] + trainingMetrics + [
      Metric("marks", .list(marks.map { "\($0)" })),
      Metric("repro", `case`.repro),
    ]
  }

  /// Of training alone.
  private var trainingMetrics: [Metric] {
    guard let training else { return [] }
    // Of the ceiling beside the case, where arithmetic binds.
    func share(_ flops: Int) -> Reading<Double> {
      guard let found = ceiling.value, found.bound == .compute else {
        return .unavailable("arithmetic does not bind")
      }
      return .measured(found.share * Double(flops) / Double(max(1, training.modelFlops)))
    }
    return [
      Metric(
        "training",
        .object([
          Metric("losses", .stored(training.losses)),
          Metric("gradient_norm", training.gradientNorm.map { .number($0) } ?? .none),
          Metric("model_flops", .count(training.modelFlops)),
          Metric("executed_flops", .count(training.executedFlops)),
          Metric("model_share", share(training.modelFlops)),
          Metric("executed_share", share(training.executedFlops)),
          Metric("kept_bytes", .count(training.keptBytes.count)),
          Metric(
            "phases",
            .object(
              MemoryPhase.allCases.compactMap { phase in
                training.phases[phase].map { Metric(phase.rawValue, .number($0.value)) }
              })),
          Metric("binding_phase", memory.phase.map(\.rawValue)),
          Metric("lost_updates", training.lostUpdates.map { .number($0) } ?? .none),
          Metric("without_effect", .list(training.withoutEffect)),
          Metric("plan", .list(training.plan)),
        ]))
    ]
  }

  private func versusEnd(_ end: (Versus) -> Double?) -> Reading<Double> {
    switch versus {
    case .unavailable(let reason): .unavailable(reason)
    case .measured(let versus):
      end(versus).map { .measured($0) } ?? .unavailable("an interval needs 6 rounds")
    }
  }

  private var workMetrics: [Metric] {
    [
      Metric("flops", work.map(\.flops)),
      Metric("bytes_read", work.map(\.bytesRead)),
      Metric("bytes_written", work.map(\.bytesWritten)),
      Metric("format", work.map(\.format.rawValue)),
    ]
  }

  private var latencyMetrics: [Metric] {
    let interval: Reading<Latency.Bounds> =
      switch latency {
      case .measured(let latency): latency.interval
      case .unavailable(let reason): .unavailable(reason)
      }
    return [
      Metric("median", latency.map(\.median)),
      Metric("low", interval.map(\.low)),
      Metric("high", interval.map(\.high)),
      Metric("scope", latency.map(\.scope.rawValue)),
      Metric("p90", latency.map(\.p90)),
      Metric("p99", latency.map(\.p99)),
      Metric("minimum", latency.map(\.minimum)),
      Metric("samples", latency.map(\.samples)),
      Metric("outliers", latency.map(\.outliers)),
      Metric("blocks", latency.map(\.blocks)),
      Metric("runs", latency.map(\.runs)),
      Metric("warmup", latency.map(\.warmUp)),
      Metric("steady", latency.map(\.steady)),
      Metric("criterion_missed", latency.value?.criterionMissed),
      Metric("warnings", .list(latency.value?.warnings ?? [])),
    ]
  }

  private var throughputMetrics: [Metric] {
    let tokens: Reading<Double> =
      switch throughput {
      case .measured(let throughput): throughput.tokensPerSecond
      case .unavailable(let reason): .unavailable(reason)
      }
    return [
      Metric("flops_per_second", throughput.map(\.flopsPerSecond)),
      Metric("bytes_per_second", throughput.map(\.bytesPerSecond)),
      Metric("tokens_per_second", tokens),
    ]
  }

  private var ceilingMetrics: [Metric] {
    [
      Metric("bound", ceiling.map(\.bound.rawValue)),
      Metric("unit", ceiling.map(\.unit)),
      Metric("level", ceiling.map(\.level.rawValue)),
      Metric("value", ceiling.map(\.value)),
      Metric("intensity", ceiling.map(\.intensity)),
      Metric("share", ceiling.map(\.share)),
    ]
  }

  private var memoryMetrics: [Metric] {
    // Copies of the harness are told apart, as `rotation_bytes`.
    func byRole(_ bytes: Reading<[MemoryRole: Bytes]>) -> Metric.Value {
      .object(
        MemoryRole.allCases.filter { $0 != .rotation }.map { role in
          Metric(role.fileName, bytes.map { $0[role] ?? .zero })
        })
    }
    return [
      Metric("predicted_bytes", memory.predicted),
      Metric("misfit", memory.misfit?.description),
      Metric("peak_bytes", memory.peak),
      Metric("resident_peak_bytes", memory.residentPeak),
      Metric("anonymous_peak_bytes", memory.anonymousPeak),
      Metric("private_peak_bytes", memory.privatePeak),
      Metric("file_bytes", memory.file),
      Metric("rotation_bytes", memory.rotation),
      Metric("harness_bytes", memory.harness),
      Metric("unused_bytes", memory.unused.map { $0.values.reduce(Bytes.zero, +) }),
      Metric("by_role", byRole(memory.byRole)),
      Metric("last_phase", memory.lastPhase.map(\.rawValue)),
      Metric("last_live", byRole(memory.lastLive)),
    ]
  }

  private var formatError: Reading<Double> {
    switch check {
    case .measured(let check):
      check.ofFormat.map { .measured($0) } ?? .unavailable("no operand is a rounded form of others")
    case .unavailable(let reason): .unavailable(reason)
    }
  }

  private var errorMetrics: [Metric] {
    [
      Metric("relative", check.map(\.relative)),
      Metric("tolerance", check.map(\.tolerance)),
      Metric("basis", check.map(\.basis)),
      Metric("sampling", check.map(\.sampling)),
      Metric("worst", check.map(\.worst)),
      Metric(
        "of_format",
        formatError),
    ]
  }
}

extension MemoryRole {
  var fileName: String { self == .kvCache ? "kv_cache" : rawValue }
}
