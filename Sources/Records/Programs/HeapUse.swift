package import Quantities

/// Which calls held a program's allocated memory, when most of it was in use.
package struct HeapUse: Codable, Sendable, Hashable {
  /// The process whose profile it is: the one that had allocated the most.
  package var process: Int32
  /// In use when the profile was written.
  package var inUse: Bytes
  /// A profile was written each time that the maximum in use had grown by so much.
  package var interval: Bytes
  package var isSampled: Bool
  /// The largest first.
  package var sites: [Site]
  /// What the other sites held together.
  package var others: Bytes

  package init(
    process: Int32, inUse: Bytes, interval: Bytes, isSampled: Bool, sites: [Site], others: Bytes
  ) {
    self.process = process
    self.inUse = inUse
    self.interval = interval
    self.isSampled = isSampled
    self.sites = sites
    self.others = others
  }

  /// A function that asked the allocator for memory.
  package struct Site: Codable, Sendable, Hashable {
    package var bytes: Bytes
    package var objects: Int
    package var frame: ProgramFrame
    /// Who called it, the nearest first, where it held the most.
    package var callers: [ProgramFrame]

    package init(bytes: Bytes, objects: Int, frame: ProgramFrame, callers: [ProgramFrame]) {
      self.bytes = bytes
      self.objects = objects
      self.frame = frame
      self.callers = callers
    }
  }
}

/// A place in a program.
package struct ProgramFrame: Codable, Sendable, Hashable {
  /// Nothing where the object names no function there.
  package var function: String?
  /// The file that the code lies in, without its folder.
  package var object: String
  /// Where its line tables say that it was written.
  package var source: String?

  package init(function: String?, object: String, source: String? = nil) {
    self.function = function
    self.object = object
    self.source = source
  }
}
