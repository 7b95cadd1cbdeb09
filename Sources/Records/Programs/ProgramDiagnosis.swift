package import Quantities

/// What was recorded of a program's memory while it ran, and of how it ended.
package struct ProgramDiagnosis: Codable, Sendable {
  package var command: [String]
  package var ending: ProgramEnding
  /// From its start to its end.
  package var duration: Seconds
  package var sampling: Sampling
  /// Where all its processes together held the maximum that was seen.
  package var peak: Reading<ResidentPeak>
  package var marks: KernelMarks
  package var group: Reading<GroupEvents>
  /// Out-of-memory kills that the whole machine counted meanwhile.
  package var machineKills: Reading<Int>
  package var limits: Limits
  /// What it wrote on its standard error that tells of refused memory, first come first.
  package var complaints: [String]
  package var heap: Reading<HeapUse>

  package init(
    command: [String], ending: ProgramEnding, duration: Seconds, sampling: Sampling,
    peak: Reading<ResidentPeak>, marks: KernelMarks, group: Reading<GroupEvents>,
    machineKills: Reading<Int>, limits: Limits, complaints: [String] = [], heap: Reading<HeapUse>
  ) {
    self.command = command
    self.ending = ending
    self.duration = duration
    self.sampling = sampling
    self.peak = peak
    self.marks = marks
    self.group = group
    self.machineKills = machineKills
    self.limits = limits
    self.complaints = complaints
    self.heap = heap
  }

  /// How it was looked at.
  package struct Sampling: Codable, Sendable, Hashable {
    package var interval: Seconds
    package var looks: Int
    /// All processes that were ever seen, the first one included.
    package var processes: Int

    package init(interval: Seconds, looks: Int, processes: Int) {
      self.interval = interval
      self.looks = looks
      self.processes = processes
    }
  }

  /// Resident memory at the look that saw the maximum of it.
  package struct ResidentPeak: Codable, Sendable, Hashable {
    package var resident: Bytes { anonymous + file + shared }
    package var anonymous: Bytes
    package var file: Bytes
    package var shared: Bytes
    /// How many processes there were.
    package var processes: Int
    /// Since the program's start.
    package var after: Seconds
    package var counting: Counting

    package init(
      anonymous: Bytes, file: Bytes, shared: Bytes, processes: Int, after: Seconds,
      counting: Counting
    ) {
      self.anonymous = anonymous
      self.file = file
      self.shared = shared
      self.processes = processes
      self.after = after
      self.counting = counting
    }
  }

  /// How pages that several processes share were counted.
  package enum Counting: String, Codable, Sendable {
    /// One process, whose resident size it is.
    case single
    /// Each process counts its share of a page (`Pss`), so that the sum counts it once.
    case proportional
    /// Each counts it whole, since their shares could not be read: the sum may be too high.
    case whole
  }

  /// What the kernel remembers exactly, between looks, too.
  package struct KernelMarks: Codable, Sendable, Hashable {
    /// `VmHWM` of the first process, when it was last read.
    package var highWater: Reading<Bytes>
    /// `ru_maxrss` at its end: the highest resident size of any one process, itself or one that
    /// it waited for.
    package var atEnd: Reading<Bytes>

    package init(highWater: Reading<Bytes>, atEnd: Reading<Bytes>) {
      self.highWater = highWater
      self.atEnd = atEnd
    }

    package var highest: Bytes? {
      [highWater.value, atEnd.value].compactMap(\.self).max()
    }
  }

  /// What the memory control group counted that the program ran in.
  package struct GroupEvents: Codable, Sendable, Hashable {
    package var version: Int
    /// The most that was charged to it, page cache included.
    package var peak: Reading<Bytes>
    /// How often its limit was hit: memory was then taken back, or somebody killed.
    package var limitHits: Reading<Int>
    package var kills: Reading<Int>

    package init(
      version: Int, peak: Reading<Bytes>, limitHits: Reading<Int>, kills: Reading<Int>
    ) {
      self.version = version
      self.peak = peak
      self.limitHits = limitHits
      self.kills = kills
    }
  }

  /// What the program's memory was limited by.
  package struct Limits: Codable, Sendable, Hashable {
    /// What was asked for.
    package var asked: Bytes?
    package var mechanism: Mechanism?
    /// Why it is not a control group.
    package var groupAbsence: String?
    /// `RLIMIT_DATA` and `RLIMIT_AS` as the program had them, whoever set them.
    package var data: Bytes?
    package var addressSpace: Bytes?
    /// The highest data size of one process that was seen.
    package var highestData: Bytes?

    package init(
      asked: Bytes? = nil, mechanism: Mechanism? = nil, groupAbsence: String? = nil,
      data: Bytes? = nil, addressSpace: Bytes? = nil, highestData: Bytes? = nil
    ) {
      self.asked = asked
      self.mechanism = mechanism
      self.groupAbsence = groupAbsence
      self.data = data
      self.addressSpace = addressSpace
      self.highestData = highestData
    }

    package enum Mechanism: String, Codable, Sendable {
      case controlGroup = "control-group"
      /// `RLIMIT_DATA`, of each process by itself.
      case dataSize = "data-size"
    }
  }
}

/// How a program left.
package enum ProgramEnding: Codable, Sendable, Hashable {
  case exited(Int32)
  case signaled(Int32)
  /// It was ended for taking longer than it may.
  case timedOut(Seconds)

  package var isGood: Bool { self == .exited(0) }
}
