/// What somebody published of a memory saver: how many times the memory and the time it takes.
///
/// Each is of its own machine and model: what a reader expects, and may not find here.
package struct PublishedClaim: Hashable, Codable, Sendable {
  /// As a suite writes them.
  package let saver: String
  package let memory: Double?
  package let time: Double?
  package let source: String

  package init(saver: String, memory: Double?, time: Double?, source: String) {
    self.saver = saver
    self.memory = memory
    self.time = time
    self.source = source
  }

  package var defect: String? {
    for ratio in [memory, time] {
      if let ratio, !(ratio > 0 && ratio.isFinite) { return "a claim of '\(saver)' is \(ratio)" }
    }
    return memory ?? time == nil ? "a claim of '\(saver)' has no figure" : nil
  }
}
