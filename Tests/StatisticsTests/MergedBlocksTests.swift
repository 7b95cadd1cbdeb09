import Statistics
import Testing

/// Blocks of one value each.
func blocks(_ values: some Sequence<Double>) throws -> [Sample] {
  try values.map { try Sample([$0]) }
}

@Suite struct AutocorrelationTests {
  /// NumPy, from the formula: (d[1:] * d[:-1]).sum() / (d * d).sum() with d = x - x.mean().
  @Test(arguments: [
    ([2, 4, 3, 7, 8, 6, 9, 12], 0.3914526484751204),
    ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.7),
    ([1, 2, 1, 2, 1, 2, 1, 2], -0.875),
  ])
  func `lag one agrees with NumPy`(values: [Double], expected: Double) {
    #expect((Autocorrelation.lagOne(of: values) - expected).magnitude < 1e-14)
  }

  /// Ten times 0.1 does not sum to 1, which the formula would take for perfect correlation.
  @Test(arguments: [[], [1], [1, 2], [Double](repeating: 0.1, count: 10)])
  func `where the formula says nothing it is zero`(values: [Double]) {
    #expect(Autocorrelation.lagOne(of: values) == 0)
  }
}

@Suite struct MergedBlocksTests {
  /// By hand: with signs about the mean, 8 equal and 7 mixed neighbours give 5/16; pairs give -3/8.
  @Test func `correlated blocks are joined until they are independent`() throws {
    let pairs = [1.0, 2, 1, 2, 2, 1, 1, 2]
    let merged = try MergedBlocks(blocks(pairs.flatMap { [$0, $0] }))
    #expect(merged.medians == pairs)
    #expect((merged.factor, merged.lagOne, merged.independent) == (2, -0.375, true))
    #expect(merged.samplesPerBlock == [2, 2, 2, 2, 2, 2, 2, 2])
    #expect(merged.warning == nil)
  }

  @Test func `joining concatenates samples, it does not average medians`() throws {
    let rising = try (0..<12).map { try Sample([Double($0), Double($0), 100]) }
    let merged = MergedBlocks(rising)
    #expect(merged.blocks[0].values == [0, 0, 100, 1, 1, 100])
    #expect(merged.medians[0] == 1)
  }

  /// By hand and NumPy: a ramp stays correlated, so that it is joined as far as six blocks allow.
  @Test(arguments: [
    (11, 1, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 0.7272727272727273),
    (12, 2, [2, 2, 2, 2, 2, 2], 0.5),
    (13, 2, [2, 2, 2, 2, 2, 3], 0.4852262234533703),
    (25, 4, [4, 4, 4, 4, 4, 5], 0.4927255324240249),
  ])
  func `a ramp ends with six blocks or more and a warning`(
    count: Int, factor: Int, sizes: [Int], lagOne: Double
  ) throws {
    let merged = try MergedBlocks(blocks((0..<count).map(Double.init)))
    #expect(merged.factor == factor)
    #expect(merged.samplesPerBlock == sizes)
    #expect((merged.lagOne - lagOne).magnitude < 1e-14)
    #expect(!merged.independent)
    #expect(merged.warning == .correlatedBlocks(lagOne: merged.lagOne))
  }

  @Test func `constant blocks are independent`() throws {
    let merged = try MergedBlocks(blocks([Double](repeating: 0.1, count: 64)))
    #expect((merged.factor, merged.lagOne, merged.independent) == (1, 0, true))
  }

  @Test(arguments: 0...5)
  func `under six blocks nothing is joined`(count: Int) throws {
    let merged = try MergedBlocks(blocks((0..<count).map(Double.init)))
    #expect(merged.blocks.count == count)
    #expect(merged.factor == 1)
  }
}
