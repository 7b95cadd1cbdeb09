import Glibc
package import Quantities

/// What a process has done with the processor, and does now.
package struct ProcessActivity: Sendable {
  /// User and system time of all its threads, in steps of a clock tick (commonly 10 ms).
  package let processorTime: Reading<Seconds>
  /// The kernel's letter: `R` runs, `S` sleeps, `D` waits for a device, `Z` has ended.
  package let state: Reading<String>

  /// - Parameter process: A process's number; nil is this process.
  package static func read(
    process: Int32? = nil, from files: FileSource = .system,
    ticksPerSecond: Int = systemTicksPerSecond
  ) -> ProcessActivity {
    let path = "\(processDirectory(process))/stat"
    return ProcessActivity(
      processorTime: files.reading(path, "processor time") { text in
        let fields = fieldsAfterName(text)
        // Fields 14 and 15 of proc(5), which counts the number and the name as 1 and 2.
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]),
          ticksPerSecond > 0
        else { return nil }
        return Seconds(Double(user + system) / Double(ticksPerSecond))
      },
      state: files.reading(path, "state") { fieldsAfterName($0).first.map(String.init) })
  }

  package static var systemTicksPerSecond: Int { sysconf(Int32(_SC_CLK_TCK)) }
}

/// The fields behind the program's name, which may itself hold blanks and parentheses: only the
/// last parenthesis is sure to end it.
private func fieldsAfterName(_ text: String) -> [Substring] {
  guard let close = text.lastIndex(of: ")") else { return [] }
  return trimmed(text[text.index(after: close)...]).split(separator: " ")
}
