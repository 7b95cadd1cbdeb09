import SystemPackage

/// Which processes a block is to have, as the coin said.
struct StartPlan: Sendable {
  /// Base's, then head's.
  let programs: [FilePath]
  let isHeadFirst: Bool
  /// Of the environment, side by side.
  let padding: [Int]

  /// Both processes at once: starting them is no part of any turn.
  func start(_ setting: GateSetting) async throws -> StartedPair {
    func started(_ side: Int) async -> Result<ChildProcess, any Error> {
      do {
        return .success(
          try await SideFailure.naming(side) {
            try await GateSide.launch(programs[side], setting: setting, padding: padding[side])
          })
      } catch {
        return .failure(error)
      }
    }
    async let first = started(isHeadFirst ? 1 : 0)
    async let second = started(isHeadFirst ? 0 : 1)
    let both = [await first, await second]
    do {
      let children = try both.map { try $0.get() }
      return StartedPair(
        programs: programs, isHeadFirst: isHeadFirst,
        children: isHeadFirst ? children.reversed() : children)
    } catch {
      for case .success(let child) in both { _ = await child.stop() }
      throw error
    }
  }
}

/// A block's two processes, which wait to be told what to do.
struct StartedPair: Sendable {
  let programs: [FilePath]
  let isHeadFirst: Bool
  /// Base's, then head's.
  let children: [ChildProcess]

  func stop() async {
    for child in children { _ = await child.stop() }
  }
}
