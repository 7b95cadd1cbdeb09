import Statistics
import Testing

struct SplitMix64Tests {
  /// The first outputs of Vigna's `splitmix64.c` for the seed 1234567.
  @Test func `the generator is SplitMix64`() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(
      [generator.next(), generator.next(), generator.next()] == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      ])
  }
}
