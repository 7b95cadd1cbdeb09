import SystemPackage

/// Which processes a block is to have, as the coin said.
struct StartPlan: Sendable {
  let programs: Sides<FilePath>
  /// Who has the first turn; it is started and made ready first, too.
  let first: Side
  /// Of the environment.
  let padding: Sides<Int>

  /// Both processes at once: starting them is no part of any turn.
  func start(_ setting: GateSetting) async throws -> StartedPair {
    func started(_ side: Side) async -> Result<any Child, any Error> {
      do {
        return .success(
          try await SideFailure.naming(side) {
            try await GateSide.launch(programs[side], setting: setting, padding: padding[side])
          })
      } catch {
        return .failure(error)
      }
    }
    async let one = started(first)
    async let two = started(first.other)
    let results = Sides(first, await one, await two)
    do {
      return StartedPair(
        programs: programs, first: first, children: try results.map { try $0.get() })
    } catch {
      for case .success(let child) in results.both { _ = await child.stop() }
      throw error
    }
  }
}

/// A block's two processes, which wait to be told what to do.
struct StartedPair: Sendable {
  let programs: Sides<FilePath>
  let first: Side
  let children: Sides<any Child>

  func stop() async {
    for child in children.both { _ = await child.stop() }
  }
}
