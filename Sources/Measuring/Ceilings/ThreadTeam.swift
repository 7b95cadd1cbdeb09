/// Threads that run the same body side by side: whoever measures does not own them.
package protocol ThreadTeam {
  var threads: Int { get }
  /// Calls `body` with 0..<threads, each on its own thread, and returns when all are done.
  func run(_ body: @escaping (Int) -> Void)
}
