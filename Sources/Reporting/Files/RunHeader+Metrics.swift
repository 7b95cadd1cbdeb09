import Quantities
import Records

extension RunHeader.SuiteText {
  var metrics: [Metric] {
    [
      Metric("name", name),
      Metric("about", about),
      Metric("overrides", .list(overrides)),
    ]
  }
}

extension Build {
  var metrics: [Metric] {
    [
      Metric("version", version),
      Metric("commit", commit),
      Metric("dirty", dirty.map { .flag($0) } ?? .none),
      Metric("toolchain", toolchain),
      Metric("flags", flags),
      Metric("allocator", allocator),
    ]
  }
}

extension Conditions {
  var metrics: [Metric] {
    [
      Metric("load", load),
      Metric("governor", governor),
      Metric("clock_hertz", clockMegahertz.map { $0 * 1e6 }),
      Metric("throttles", throttles),
      Metric("steal", steal),
      Metric("huge_pages", hugePages),
      Metric("available_memory_bytes", availableMemory),
      Metric("memory_limit_bytes", memory.map { .count($0.limit.count) } ?? .none),
      Metric("memory_limit_of", memory.map { .text($0.bound.rawValue) } ?? .none),
      Metric("installed_memory_bytes", memory?.installed.map { .count($0.count) } ?? .none),
      Metric("quota_cores", quota.map { .number($0.cores) } ?? .none),
      Metric("throttled_share", quota?.throttledShare.map { .number($0) } ?? .none),
      Metric("warnings", .list(warnings)),
    ]
  }
}

/// The machine's own fields and its ceilings in one object.
struct MeasuredMachine: Encodable {
  let machine: Machine
  let ceilings: Ceilings

  private enum CodingKeys: String, CodingKey { case ceilings }

  func encode(to encoder: any Encoder) throws {
    try machine.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(ceilings, forKey: .ceilings)
  }
}
