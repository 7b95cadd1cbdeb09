package import Quantities

extension MemoryControlGroup {
  /// The processes in the group now.
  package func processes(from files: FileSource = .system) -> [Int32] {
    (files.text("\(path)/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }
  }

  /// The most that was ever charged to the group, page cache included.
  package func highestUsage(from files: FileSource = .system) -> Reading<Bytes> {
    // Version 2 has it since Linux 5.19.
    let name = version == .one ? "memory.max_usage_in_bytes" : "memory.peak"
    return files.reading("\(path)/\(name)", "number of bytes") { text in
      Int(trimmed(text)).map { Bytes($0) }
    }
  }

  /// How often the group was about to pass its limit.
  package func limitHits(from files: FileSource = .system) -> Reading<Int> {
    switch version {
    case .one:
      return files.reading("\(path)/memory.failcnt", "count") { Int(trimmed($0)) }
    case .two:
      return files.reading("\(path)/memory.events", "max line") { text in
        let line = text.split(separator: "\n").first { $0.hasPrefix("max ") }
        return line?.split(separator: " ").last.flatMap { Int($0) }
      }
    }
  }
}
