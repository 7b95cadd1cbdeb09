package import Quantities

/// What is wrong with a heap profile.
package struct HeapProfileFault: FaultConvertible, Hashable {
  package let path: String
  package let line: Int
  package let reason: Reason

  package enum Reason: Hashable, Sendable {
    case noHeader
    case unknownKind(String)
    case badInterval(String)
    case badAllocation
    case tooDeep
    case badMapping
    case cutOff
  }

  package var fault: Fault {
    let place = "\(path):\(line)"
    switch reason {
    case .noHeader:
      return Fault(
        "it is no heap profile: the first line does not begin with counts after 'heap profile:'",
        at: place, fix: "write one with HEAPPROFILE and tcmalloc")
    case .unknownKind(let kind):
      return Fault(
        "a heap profile of the kind '\(kind.prefix(60))' cannot be read", at: place,
        fix: "the kinds are heapprofile, heap_v2/N and heap/N")
    case .badInterval(let kind):
      return Fault(
        "'\(kind.prefix(60))' names no sampling interval", at: place,
        fix: "a number of bytes stands behind the slash, as heap_v2/524288")
    case .badAllocation:
      return Fault(
        "this line is no allocation", at: place,
        fix: "one reads '1: 2048 [ 2: 3072] @ 0x55b3 0x55b4'")
    case .tooDeep:
      return Fault(
        "the stack has more frames than any profiler keeps", at: place,
        fix: "write the profile again")
    case .badMapping:
      return Fault(
        "this line is none of /proc/PID/maps", at: place, fix: "write the profile again")
    case .cutOff:
      return Fault(
        "the profile was cut off: its section of libraries is missing", at: place,
        fix: "take the one before it, or write it again")
    }
  }
}
