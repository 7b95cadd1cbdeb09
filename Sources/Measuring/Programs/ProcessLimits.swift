package import Quantities

/// What a process may take, by `/proc/PID/limits`.
package struct ProcessLimits: Sendable, Hashable {
  /// Nothing where there is no limit.
  package let data: Bytes?
  package let addressSpace: Bytes?

  package static func read(process: Int32, from files: FileSource = .system) -> ProcessLimits? {
    guard let text = files.text("/proc/\(process)/limits") else { return nil }
    /// The soft limit is the first figure behind the name; it may be the word `unlimited`.
    func limit(_ name: String) -> Bytes? {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
      let words = line?.dropFirst(name.count).split(separator: " ")
      return words?.first.flatMap { Int($0) }.map { Bytes($0) }
    }
    return ProcessLimits(
      data: limit("Max data size"), addressSpace: limit("Max address space"))
  }
}
