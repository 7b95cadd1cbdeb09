extension ThreadPool {
  /// Calls the body with each thread's share of so many things, all threads at once; few of them are done
  /// where they are asked for, since waking threads would take longer.
  ///
  /// - Parameters:
  ///   - grain: shares begin at its multiples.
  ///   - least: below so many the calling thread does all.
  package func share(
    _ count: Int, grain: Int = 1, least: Int = 2, _ body: (Range<Int>, _ part: Int) -> Void
  ) {
    guard threads > 1, count >= least else { return body(0..<count, 0) }
    withoutActuallyEscaping(body) { run(Shares(count: count, grain: grain, body: $0)) }
  }
}

private final class Shares: ParallelTask {
  private let count: Int
  private let grain: Int
  private let body: (Range<Int>, Int) -> Void

  init(count: Int, grain: Int, body: @escaping (Range<Int>, Int) -> Void) {
    self.count = count
    self.grain = grain
    self.body = body
  }

  func run(part: Int, of parts: Int) {
    let own = split(count, part: part, of: parts, grain: grain)
    if !own.isEmpty { body(own, part) }
  }
}
