package import Quantities
package import Records

/// A program with all that it started, as `/proc` shows it.
package struct ProcessTree: Sendable {
  /// The first process, which leads a process group of its own.
  package let root: Int32
  /// The control group that it was put into, whose list of processes is the tree.
  package let group: MemoryControlGroup?
  private let files: FileSource

  package init(root: Int32, group: MemoryControlGroup? = nil, files: FileSource = .system) {
    self.root = root
    self.group = group
    self.files = files
  }

  /// The processes that there are now, the first one among them while it lives.
  ///
  /// Where no control group lists them, they are those of the first one's process group, and the
  /// descendants of these. One that was given to another parent, and left the group, is then not seen.
  package func members() -> [Int32] {
    let listed = group.map { $0.processes(from: files) } ?? []
    if !listed.isEmpty { return listed }
    var children: [Int32: [Int32]] = [:]
    var open: [Int32] = []
    for name in files.names("/proc") {
      guard let process = Int32(name), let lineage = lineage(of: process) else { continue }
      children[lineage.parent, default: []].append(process)
      if process == root || lineage.group == root { open.append(process) }
    }
    var members: Set<Int32> = []
    while let process = open.popLast() {
      if members.insert(process).inserted { open += children[process] ?? [] }
    }
    return members.sorted()
  }

  /// Fields 4 and 5 of proc(5)'s `stat`; the name before them may hold anything.
  private func lineage(of process: Int32) -> (parent: Int32, group: Int32)? {
    guard let text = files.text("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
      return nil
    }
    let fields = text[text.index(after: end)...].split(separator: " ", maxSplits: 4)
    guard fields.count > 3, let parent = Int32(fields[1]), let group = Int32(fields[2]) else {
      return nil
    }
    return (parent, group)
  }

  /// What the kernel says of each of them now; of one that has ended it says nothing.
  package func statuses(of members: [Int32]) -> [(process: Int32, memory: ProcessMemory)] {
    members.map { ($0, ProcessMemory.read(process: $0, from: files)) }
  }

  /// What is resident in all of them together.
  ///
  /// Pages that several of them share are counted once where the kernel tells each process's share,
  /// which costs it a walk over their page tables: so it is asked only where the sum of whole sizes, which
  /// is never lower, is above what is to be beaten.
  ///
  /// - Returns: nothing where the processes are gone, or hold no more than `mark`.
  package func resident(
    in statuses: [(process: Int32, memory: ProcessMemory)], above mark: Bytes = .zero,
    after: Seconds
  ) -> ProgramDiagnosis.ResidentPeak? {
    let whole = statuses.compactMap { PageShares(status: $0.memory) }
    guard whole.reduce(.zero, { $0 + $1.total }) > mark else { return nil }
    guard whole.count > 1 else { return peak(whole, .single, after) }
    let shares = statuses.compactMap { process, _ in
      files.text("/proc/\(process)/smaps_rollup").flatMap { PageShares(rollup: $0) }
    }
    // One may have ended between the two readings.
    guard !shares.isEmpty, shares.count + 1 >= whole.count else {
      return peak(whole, .whole, after)
    }
    let found = peak(shares, .proportional, after)
    return found.resident > mark ? found : nil
  }

  private func peak(
    _ shares: [PageShares], _ counting: ProgramDiagnosis.Counting, _ after: Seconds
  ) -> ProgramDiagnosis.ResidentPeak {
    let sum = shares.reduce(PageShares()) { $0 + $1 }
    return ProgramDiagnosis.ResidentPeak(
      anonymous: sum.anonymous, file: sum.file, shared: sum.shared, processes: shares.count,
      after: after, counting: counting)
  }
}

/// One process's resident pages by kind.
private struct PageShares {
  var anonymous = Bytes.zero
  var file = Bytes.zero
  var shared = Bytes.zero

  var total: Bytes { anonymous + file + shared }

  init() {}

  /// Whole pages, whoever else has them.
  init?(status: ProcessMemory) {
    guard let anonymous = status.anonymous.value, let file = status.file.value,
      let shared = status.shared.value
    else { return nil }
    (self.anonymous, self.file, self.shared) = (anonymous, file, shared)
  }

  /// Each page divided by the number of processes that have it. Swapped pages are not among them.
  init?(rollup text: String) {
    let lines = LabelledLines(text)
    guard let anonymous = lines.kibibytes("Pss_Anon"), let file = lines.kibibytes("Pss_File"),
      let shared = lines.kibibytes("Pss_Shmem")
    else { return nil }
    (self.anonymous, self.file, self.shared) = (anonymous, file, shared)
  }

  static func + (left: PageShares, right: PageShares) -> PageShares {
    var sum = left
    sum.anonymous += right.anonymous
    sum.file += right.file
    sum.shared += right.shared
    return sum
  }
}
