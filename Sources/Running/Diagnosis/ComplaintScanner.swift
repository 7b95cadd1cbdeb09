/// Looks through what a program writes for words that tell of refused memory, line by line.
package struct ComplaintScanner: Sendable {
  /// Lines that hold such words, shortened.
  package private(set) var complaints: [String] = []
  private var line: [UInt8] = []

  package init() {}

  /// Longer lines are looked at in their beginning.
  private static let longestLine = 4096
  private static let most = 5

  /// What runtimes and libraries say of an allocation that the system refused: Python, C++, the C library,
  /// NumPy, PyTorch, Swift, Java.
  private static let words = [
    "memoryerror", "bad_alloc", "failed to allocate", "unable to allocate",
    "cannot allocate memory", "can't allocate memory", "not enough memory", "out of memory",
    "outofmemoryerror",
  ]

  /// A device's own memory is none of the machine's.
  private static let devices = ["cuda", "hip out of memory", "mps backend"]

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        finish()
      } else if line.count < Self.longestLine {
        line.append(byte)
      }
    }
  }

  /// Looks at the last line, which no line break ends.
  package mutating func finish() {
    defer { line.removeAll(keepingCapacity: true) }
    guard complaints.count < Self.most, line.count >= 9 else { return }
    let text = String(decoding: line, as: UTF8.self)
    let lowered = text.lowercased()
    guard Self.words.contains(where: lowered.contains),
      !Self.devices.contains(where: lowered.contains)
    else { return }
    complaints.append(String(text.prefix(200)))
  }
}
