import Testing
import Training

/// The scale of a loss against PyTorch's `GradScaler`: see `scaler.py`.
struct LossScalerGoldenTests {
  private static func cases() throws -> [ScalerGolden] {
    try GoldenFile<[ScalerGolden]>.cases("scaler")
  }

  @Test(arguments: try cases())
  func `scales and skipped steps are those of another implementation`(golden: ScalerGolden) {
    var scaler = LossScaler(interval: golden.interval)
    var (scales, changes) = ([scaler.scale], [ScalerGolden.Change]())
    var skipped: [Int] = []
    for step in 0..<golden.steps {
      let before = (scale: scaler.scale, skipped: scaler.skipped)
      scaler.update(overflowed: golden.overflows.contains(step))
      scales.append(scaler.scale)
      if scaler.scale != before.scale { changes.append(.init(step: step, scale: scaler.scale)) }
      if scaler.skipped > before.skipped { skipped.append(step) }
    }
    #expect(skipped == golden.skipped)
    if let expected = golden.scales { #expect(scales == expected) }
    if let expected = golden.changes { #expect(changes == expected) }
  }
}

/// Which steps overflow, and what comes of it.
struct ScalerGolden: Decodable, Sendable {
  let interval: Int
  let steps: Int
  let overflows: [Int]
  let skipped: [Int]
  /// Before each step, and after the last; of a long run there are changes in its place.
  let scales: [Float]?
  let changes: [Change]?

  struct Change: Decodable, Equatable {
    let step: Int
    let scale: Float
  }
}
