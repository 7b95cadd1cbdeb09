package import Records

/// How much processor time control groups leave to this process: the tightest of its own group and of
/// those above it.
///
/// - Source: Linux, "CFS Bandwidth Control" (version 1) and "Control Group v2", `cpu.max`.
package enum ProcessorQuota {
  package static func read(from files: FileSource = .system) -> Conditions.Quota? {
    guard let (directories, version) = ControlGroupLocation.chain(of: "cpu", in: files) else {
      return nil
    }
    return directories.compactMap { quota(of: $0, version, files) }.min { $0.cores < $1.cores }
  }

  private static func quota(
    of directory: String, _ version: MemoryControlGroup.Version, _ files: FileSource
  ) -> Conditions.Quota? {
    let words: [Double]
    switch version {
    case .one:
      words = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].compactMap { name in
        files.text("\(directory)/\(name)").flatMap { Double(trimmed($0)) }
      }
    case .two:
      words = trimmed(files.text("\(directory)/cpu.max") ?? "").split(separator: " ")
        .compactMap { Double($0) }
    }
    // Version 1 says -1 and version 2 `max` where there is no quota.
    guard words.count == 2, words[0] > 0, words[1] > 0 else { return nil }
    var counts: [Substring: Double] = [:]
    for line in (files.text("\(directory)/cpu.stat") ?? "").split(separator: "\n") {
      let pair = line.split(separator: " ")
      if pair.count == 2 { counts[pair[0]] = Double(pair[1]) }
    }
    let periods = counts["nr_periods"] ?? 0
    return Conditions.Quota(
      cores: words[0] / words[1],
      throttledShare: periods > 0 ? counts["nr_throttled"].map { $0 / periods } : nil)
  }
}
