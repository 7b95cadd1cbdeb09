package import Quantities
package import Records

/// Finds the least of all that bounds a process's memory: what the machine has, the limits of its control
/// group and of those above it, and those over each process.
///
/// - Source: Linux, "Memory Resource Controller" (version 1), "Control Group v2", and proc(5).
package struct MemoryRoomReader: Sendable {
  package let files: FileSource

  package init(files: FileSource = .system) { self.files = files }

  /// How much there may be, and of that what can be had now.
  package func read() -> (room: MemoryRoom?, available: Reading<Bytes>) {
    let installed = memory("MemTotal").value
    let ofMachine = memory("MemAvailable")
    let groups = limitedGroups
    var candidates: [MemoryRoom] = []
    func add(_ limit: Bytes, _ bound: MemoryRoom.Bound, _ place: String?) {
      candidates.append(
        MemoryRoom(
          limit: limit, bound: bound, place: place, installed: installed,
          availableOfMachine: ofMachine.value))
    }
    // The first of equals is kept: a limit that binds no one is not told.
    if let installed { add(installed, .machine, nil) }
    for group in groups { add(group.limit, .controlGroup, group.directory) }
    for limit in processLimits { add(limit.bytes, .process, limit.option) }
    let room = candidates.min { $0.limit < $1.limit }
    return (room, available(ofMachine, groups))
  }

  private func available(_ ofMachine: Reading<Bytes>, _ groups: [LimitedGroup]) -> Reading<Bytes> {
    let others = groups.compactMap(\.available) + processLimits.map(\.bytes)
    guard let least = others.min() else { return ofMachine }
    return .measured(ofMachine.value.map { min($0, least) } ?? least)
  }

  private func memory(_ label: String) -> Reading<Bytes> {
    files.reading("/proc/meminfo", "\"\(label)\"") { LabelledLines($0).kibibytes(label) }
  }
}

extension MemoryRoomReader {
  private struct LimitedGroup {
    let directory: String
    let limit: Bytes
    /// Below its limit, pages of files that nobody uses counted as free.
    let available: Bytes?
  }

  /// This process's own group and those above it, as far as they have a limit.
  private var limitedGroups: [LimitedGroup] {
    guard let (directories, version) = ControlGroupLocation.chain(of: "memory", in: files) else {
      return []
    }
    return directories.compactMap { group(at: $0, version) }
  }

  private func group(at directory: String, _ version: MemoryControlGroup.Version)
    -> LimitedGroup?
  {
    let isFirst = version == .one
    func number(_ name: String) -> Int? {
      files.text("\(directory)/\(name)").flatMap { Int(trimmed($0)) }.flatMap { $0 >= 0 ? $0 : nil }
    }
    var statistics: [Substring: Int] = [:]
    for line in (files.text("\(directory)/memory.stat") ?? "").split(separator: "\n") {
      let pair = line.split(separator: " ")
      if pair.count == 2 { statistics[pair[0]] = Int(pair[1]) }
    }
    // Version 2 says `max` where there is none. Version 1 tells also of groups that cannot be seen from here.
    let limits = [
      number(isFirst ? "memory.limit_in_bytes" : "memory.max"),
      isFirst ? statistics["hierarchical_memory_limit"].flatMap { $0 >= 0 ? $0 : nil } : nil,
    ]
    // Version 1 says the largest number of whole pages where there is none.
    guard let limit = limits.compactMap(\.self).min(), limit < Int.max / 2 else { return nil }
    let idle = statistics[isFirst ? "total_inactive_file" : "inactive_file"] ?? 0
    let usage = number(isFirst ? "memory.usage_in_bytes" : "memory.current")
    return LimitedGroup(
      directory: directory, limit: Bytes(limit),
      available: usage.map { Bytes(min(limit, max(0, limit - max(0, $0 - idle)))) })
  }

  /// `ulimit -d` and `ulimit -v`, where they are set.
  private var processLimits: [(bytes: Bytes, option: String)] {
    let lines = (files.text("/proc/self/limits") ?? "").split(separator: "\n")
    return [("Max data size", "ulimit -d"), ("Max address space", "ulimit -v")].compactMap {
      name, option in
      guard let line = lines.first(where: { $0.hasPrefix(name) }),
        let soft = line.dropFirst(name.count).split(separator: " ").first.flatMap({ Int($0) })
      else { return nil }
      return (Bytes(soft), option)
    }
  }
}
