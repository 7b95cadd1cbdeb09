package import Quantities

/// Looks at a child's data size twenty times a second, and only while it prepares: never beside a timed
/// block.
package struct MemoryWatch: Sendable {
  private let task: Task<Reading<Bytes>, Never>

  package init(_ look: @escaping @Sendable () -> Reading<Bytes>) {
    task = Task {
      var seen = Self.unseen
      while !Task.isCancelled {
        let size = look()
        if case .measured = size { seen = size }
        try? await Task.sleep(for: .milliseconds(50))
      }
      return seen
    }
  }

  /// One that has seen what it will.
  package init(seen: Reading<Bytes>) { task = Task { seen } }

  static let unseen = Reading<Bytes>.unavailable("the child was not looked at")

  /// The size when it was last seen.
  package func end() async -> Reading<Bytes> {
    task.cancel()
    return await task.value
  }
}
