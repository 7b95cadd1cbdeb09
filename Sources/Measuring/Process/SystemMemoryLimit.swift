package import Quantities

/// The operating system's limit that a child puts over itself, above the ledger's budget.
///
/// The two mechanisms count different things, and the caller computes the number: a control group
/// counts pages touched since the child entered it, the data size counts address space since
/// the child began. So either limit is `currentUsage` at that moment + budget + slack.
package enum SystemMemoryLimit: Hashable, Codable, Sendable {
  case controlGroup(MemoryControlGroup)
  /// `RLIMIT_DATA`, with the reason why there is no control group.
  case dataSize(because: String)

  /// The parent's choice: a control group where the machine lets us make one.
  package static func choose(
    leafName: String, files: FileSource = .system, changes: FileChanges = .system
  ) -> SystemMemoryLimit {
    let leaf = MemoryControlGroup.createLeaf(name: leafName, files: files, changes: changes)
    switch leaf {
    case .measured(let group): return .controlGroup(group)
    case .unavailable(let reason): return .dataSize(because: reason)
    }
  }

  /// The folder of the control group, where one was made.
  package var groupPath: String? {
    if case .controlGroup(let group) = self { group.path } else { nil }
  }

  /// What was chosen, for the record.
  package var word: String {
    switch self {
    case .controlGroup(let group): "cgroup-v\(group.version.rawValue)"
    case .dataSize: "rlimit-data"
    }
  }

  /// The child's first step; before it allocates, or what it has stays charged elsewhere.
  package func enter() throws(Fault) {
    if case .controlGroup(let group) = self { try group.enter() }
  }

  /// The child's second step, which may be repeated with another number.
  package func set(_ limit: Bytes) throws(Fault) {
    switch self {
    case .controlGroup(let group): try group.setLimit(limit)
    case .dataSize: try DataLimit.set(limit)
    }
  }

  /// What counts against the limit now, for a process that has entered; nil is this process.
  package func currentUsage(
    process: Int32? = nil, from files: FileSource = .system
  ) -> Reading<Bytes> {
    switch self {
    case .controlGroup(let group): group.currentUsage(from: files)
    case .dataSize: ProcessMemory.read(process: process, from: files).data
    }
  }

  /// The kernel's kills in the child's group; without a group the kernel never kills for the limit.
  package func outOfMemoryKills(from files: FileSource = .system) -> Reading<Int> {
    switch self {
    case .controlGroup(let group): group.outOfMemoryKills(from: files)
    case .dataSize(let reason): .unavailable(reason)
    }
  }

  /// The parent's last step, after the child is gone.
  package func remove() {
    if case .controlGroup(let group) = self { group.remove() }
  }
}
