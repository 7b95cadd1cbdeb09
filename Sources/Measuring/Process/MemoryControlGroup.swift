import Glibc
package import Quantities

/// A leaf of our own below this process's memory control group, for one child to live in.
///
/// The parent creates it, tells the child its path, and removes it after the child is gone; the
/// child enters it and sets its limit. Being below our own group, it stays under every limit
/// that was put over us.
///
/// In version 1 pages stay charged to the group in which they were first touched. A process that
/// enters a new leaf therefore brings nothing along, and the leaf starts near 0: a limit here
/// is what the process may *still* take (in either version, ask `currentUsage` for where it
/// stands), not its size.
package struct MemoryControlGroup: Hashable, Codable, Sendable {
  package let path: String
  package let version: Version

  package enum Version: Int, Codable, Sendable {
    case one = 1
    case two = 2
  }

  package init(path: String, version: Version) {
    self.path = path
    self.version = version
  }

  /// Makes a leaf, or says why this machine does not let us.
  package static func createLeaf(
    name: String, files: FileSource = .system, changes: FileChanges = .system
  ) -> Reading<MemoryControlGroup> {
    let location: ControlGroupLocation
    switch ControlGroupLocation.find(in: files) {
    case .success(let found): location = found
    case .failure(let absence): return .unavailable(absence.reason)
    }
    let path = "\(location.directory)/\(name)"
    let code = changes.makeDirectory(path)
    guard code == 0 else {
      return .unavailable("the control group \(path) cannot be made: \(errorWords(code))")
    }
    let group = MemoryControlGroup(path: path, version: location.version)
    // Swapped pages would escape the limit; where there is no swap, there is no such file.
    switch location.version {
    case .one: _ = changes.write("0", group.file("memory.swappiness"))
    case .two: _ = changes.write("0", group.file("memory.swap.max"))
    }
    return .measured(group)
  }

  /// Moves a process with all its threads into the group; nil is this process.
  package func enter(
    process: Int32? = nil, changes: FileChanges = .system
  ) throws(Fault) {
    let code = changes.write("\(process ?? getpid())", file("cgroup.procs"))
    guard code == 0 else {
      throw Fault("the control group cannot be entered: \(errorWords(code))", at: path)
    }
  }

  /// Limits what the group may hold; may be raised and lowered again.
  package func setLimit(_ limit: Bytes, changes: FileChanges = .system) throws(Fault) {
    let code =
      switch version {
      case .one: limitVersionOne(limit, changes)
      case .two: changes.write("\(limit.count)", file("memory.max"))
      }
    guard code == 0 else {
      throw Fault("the memory limit \(limit) cannot be set: \(errorWords(code))", at: path)
    }
  }

  /// What is charged to the group now, page cache included.
  package func currentUsage(from files: FileSource = .system) -> Reading<Bytes> {
    let name = version == .one ? "memory.usage_in_bytes" : "memory.current"
    return files.reading(file(name), "number of bytes") { text in
      Int(trimmed(text)).map { Bytes($0) }
    }
  }

  /// How many of the group's processes the kernel killed for want of memory.
  package func outOfMemoryKills(from files: FileSource = .system) -> Reading<Int> {
    let name = version == .one ? "memory.oom_control" : "memory.events"
    // Version 1 has the line since Linux 4.13.
    return files.reading(file(name), "oom_kill line") { text in
      let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
      return line?.split(separator: " ").last.flatMap { Int($0) }
    }
  }

  /// Takes the group away, after its process is gone; answers whether that went well.
  ///
  /// A failure does no harm but for an empty directory: the kernel refuses while a process is in it.
  @discardableResult
  package func remove(changes: FileChanges = .system) -> Bool {
    changes.removeDirectory(path) == 0
  }
}

extension MemoryControlGroup {
  private func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Memory and memory with swap are two limits, of which the second may never be the lower: on the
  /// way down memory goes first, on the way up memory with swap.
  private func limitVersionOne(_ limit: Bytes, _ changes: FileChanges) -> Int32 {
    let memory = file("memory.limit_in_bytes")
    let withSwap = file("memory.memsw.limit_in_bytes")
    var code = changes.write("\(limit.count)", memory)
    let swapCode = changes.write("\(limit.count)", withSwap)
    // EINVAL: above memory with swap as it was; it has been raised since.
    if code == EINVAL, swapCode == 0 { code = changes.write("\(limit.count)", memory) }
    return code
  }
}
