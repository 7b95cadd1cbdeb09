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
}
