import Kernels

/// Inputs of a layer as text gives them: correlated, since a few directions carry most of them.
///
/// A sample is a sum of 16 directions, each half as strong as the second before it, and noise of a
/// quarter of the strongest.
struct LayerInputs {
  let columns: Int
  /// The directions' own: the same for samples to calibrate with and to judge by.
  let seed: UInt64

  private static let directions = 16

  /// - Parameter stream: samples of another stream are others of the same layer.
  func fill(_ to: UnsafeMutablePointer<Float>, samples: Int, stream: UInt32) {
    let mixed = hash32(UInt32(truncatingIfNeeded: seed >> 32), UInt32(truncatingIfNeeded: seed))
    var directions = [Float](repeating: 0, count: Self.directions * columns)
    for index in directions.indices { directions[index] = uniform(mixed, index) }
    let drawn = hash32(mixed &+ 1, stream)
    for sample in 0..<samples {
      let row = to + sample * columns
      let noise = hash32(drawn, UInt32(2 * sample))
      for column in 0..<columns { row[column] = 0.25 * uniform(noise, column) }
      let strengths = hash32(drawn, UInt32(2 * sample + 1))
      var scale: Float = 1
      for direction in 0..<Self.directions {
        let strength = scale * uniform(strengths, direction)
        for column in 0..<columns {
          row[column] += strength * directions[direction * columns + column]
        }
        scale *= 0.7071
      }
    }
  }
}
