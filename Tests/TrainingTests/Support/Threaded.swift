import Testing

/// The tests that start several threads, one after another: a pool spins, and two at once would wait for each
/// other's processors.
@Suite(.serialized) struct Threaded {}
