package import Quantities

/// What this machine can do at most, measured here by loops that do nothing else.
package struct Ceilings: Codable, Sendable {
  package var compute: [Compute]
  package var bandwidth: [Bandwidth]
  /// One reading of the monotonic clock.
  package var clockCost: Seconds
  /// Levels whose bandwidth could not be measured, with the reason. Runs from before have none.
  package var unavailable: [MemoryLevel: String]?

  /// FLOP/s of one unit: register-only, independent chains.
  package struct Compute: Codable, Sendable {
    /// `fma-512`, `vnni-512`, `dot-bf16-512`, …
    package var unit: String
    package var format: ComputeFormat
    package var threads: Int
    package var flopsPerSecond: Double

    package init(unit: String, format: ComputeFormat, threads: Int, flopsPerSecond: Double) {
      self.unit = unit
      self.format = format
      self.threads = threads
      self.flopsPerSecond = flopsPerSecond
    }
  }

  /// Bytes per second of one level of memory.
  package struct Bandwidth: Codable, Sendable {
    package var level: MemoryLevel
    package var threads: Int
    /// The bytes that one thread went over.
    package var footprint: Bytes
    /// By the best pattern.
    package var read: Double
    /// By each pattern that was tried: streams side by side, and bytes prefetched ahead.
    package var readBy: [String: Double]
    /// Plain stores.
    package var fill: Double
    /// Stores past the caches.
    package var fillNonTemporal: Double
    /// Read plus written bytes.
    package var copy: Double

    package init(
      level: MemoryLevel, threads: Int, footprint: Bytes, read: Double,
      readBy: [String: Double] = [:], fill: Double, fillNonTemporal: Double, copy: Double
    ) {
      self.level = level
      self.threads = threads
      self.footprint = footprint
      self.read = read
      self.readBy = readBy
      self.fill = fill
      self.fillNonTemporal = fillNonTemporal
      self.copy = copy
    }

    /// The faster of the two ways to write.
    package var bestFill: Double { max(fill, fillNonTemporal) }
  }

  package init(
    compute: [Compute], bandwidth: [Bandwidth], clockCost: Seconds,
    unavailable: [MemoryLevel: String]? = nil
  ) {
    self.unavailable = unavailable
    self.compute = compute
    self.bandwidth = bandwidth
    self.clockCost = clockCost
  }

  /// The fastest unit for a format.
  package func compute(_ format: ComputeFormat, threads: Int) -> Compute? {
    compute.filter { $0.format == format && $0.threads == threads }
      .max { $0.flopsPerSecond < $1.flopsPerSecond }
  }

  package func bandwidth(_ level: MemoryLevel, threads: Int) -> Bandwidth? {
    bandwidth.first { $0.level == level && $0.threads == threads }
  }
}

/// A level that a working set can live in.
package enum MemoryLevel: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  case l1, l2, l3, dram

  package var label: String { self == .dram ? "DRAM" : rawValue.uppercased() }
}
