/// What went wrong on one side of a block.
struct SideFailure: Error {
  let side: Side
  let failure: ChildFailure

  /// As a gate's result says it.
  var text: String { "\(side.rawValue): \(failure.reason)" }

  /// Runs a side's part: what goes wrong with its child there is the side's failure.
  static func naming<Value>(_ side: Side, _ part: () async throws -> Value) async throws -> Value {
    do {
      return try await part()
    } catch let failure as ChildFailure {
      throw SideFailure(side: side, failure: failure)
    }
  }
}
