package import Quantities

/// What makes times comparable: stable identity only. Another one makes times incomparable.
package struct Machine: Hashable, Codable, Sendable {
  package var cpuModel: String
  /// Family, model and stepping, `26.2.1`; hypervisors often blank the model's name.
  package var cpuStepping: String
  package var visibleCores: Int
  package var threadsPerCore: Int
  package var caches: [Cache]
  /// Installed memory rounded to a power of two: the kernel's own share differs from boot to boot.
  package var memoryClass: Bytes
  package var operatingSystem: String
  /// `6.18`: patch levels do not move kernels' times.
  package var kernelMinor: String
  package var instructionSets: [String]

  package struct Cache: Hashable, Codable, Sendable {
    package var level: Int
    /// `data`, `instruction` or `unified`.
    package var kind: String
    package var size: Bytes
    /// How many visible cores share one.
    package var sharedBy: Int

    package init(level: Int, kind: String, size: Bytes, sharedBy: Int) {
      self.level = level
      self.kind = kind
      self.size = size
      self.sharedBy = sharedBy
    }
  }

  package init(
    cpuModel: String, cpuStepping: String, visibleCores: Int, threadsPerCore: Int,
    caches: [Cache], memoryClass: Bytes, operatingSystem: String, kernelMinor: String,
    instructionSets: [String]
  ) {
    self.cpuModel = cpuModel
    self.cpuStepping = cpuStepping
    self.visibleCores = visibleCores
    self.threadsPerCore = threadsPerCore
    self.caches = caches
    self.memoryClass = memoryClass
    self.operatingSystem = operatingSystem
    self.kernelMinor = kernelMinor
    self.instructionSets = instructionSets
  }

  /// The size of one data or unified cache of a level, if the machine told.
  package func cacheSize(level: Int) -> Bytes? {
    caches.first { $0.level == level && $0.kind != "instruction" }?.size
  }

  /// The largest cache.
  package var lastLevelCache: Bytes {
    caches.filter { $0.kind != "instruction" }.map(\.size).max() ?? .mebibytes(32)
  }
}

/// What was built, and how: shown, never refused.
package struct Build: Hashable, Codable, Sendable {
  package var version: String
  /// The commit of the sources, where the program was built inside a git checkout.
  package var commit: Reading<String>
  package var dirty: Bool?
  package var toolchain: String
  package var flags: String
  package var allocator: String

  package init(
    version: String, commit: Reading<String>, dirty: Bool?, toolchain: String, flags: String,
    allocator: String
  ) {
    self.version = version
    self.commit = commit
    self.dirty = dirty
    self.toolchain = toolchain
    self.flags = flags
    self.allocator = allocator
  }
}

/// What else went on: recorded, and warned about.
package struct Conditions: Codable, Sendable {
  /// The load average of the last minute.
  package var load: Reading<Double>
  package var governor: Reading<String>
  package var clockMegahertz: Reading<Double>
  /// Times the processor was throttled for heat since boot.
  package var throttles: Reading<Int>
  /// The share of processor time since boot that a hypervisor gave to others, 0 to 1.
  package var steal: Reading<Double>
  package var hugePages: Reading<String>
  /// What may be had now: the least of what the machine has left and what limits leave.
  package var availableMemory: Reading<Bytes>
  /// How much there may be at all. Runs from before have none.
  package var memory: MemoryRoom?
  /// What control groups leave of the processors; nil where they leave all, and in runs from before.
  package var quota: Quota?
  /// Sentences for the reader, worst first.
  package var warnings: [String]

  /// A share of processor time that is not to be exceeded.
  package struct Quota: Hashable, Codable, Sendable {
    /// Processors' worth of time: 0.5 is half of one.
    package var cores: Double
    /// Of the periods so far, those in which it was used up and everything stopped.
    package var throttledShare: Double?

    package init(cores: Double, throttledShare: Double?) {
      self.cores = cores
      self.throttledShare = throttledShare
    }
  }

  package init(
    load: Reading<Double>, governor: Reading<String>, clockMegahertz: Reading<Double>,
    throttles: Reading<Int>, steal: Reading<Double>, hugePages: Reading<String>,
    availableMemory: Reading<Bytes>, memory: MemoryRoom? = nil, quota: Quota? = nil,
    warnings: [String]
  ) {
    self.memory = memory
    self.quota = quota
    self.load = load
    self.governor = governor
    self.clockMegahertz = clockMegahertz
    self.throttles = throttles
    self.steal = steal
    self.hugePages = hugePages
    self.availableMemory = availableMemory
    self.warnings = warnings
  }
}
