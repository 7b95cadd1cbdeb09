import Testing

/// The tests that start pools, one after another: a pool spins, and two at once would wait for
/// each other's processors.
@Suite(.serialized) struct Threaded {}

/// What the body holds is let go when it returns: never inlined.
@inline(never)
func scoped<Result>(_ body: () throws -> Result) rethrows -> Result { try body() }
