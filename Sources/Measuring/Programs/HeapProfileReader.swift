package import Foundation
package import Quantities
package import Records

/// Reads the text that tcmalloc's heap profiler writes; nothing in it is trusted.
///
///     heap profile:   2: 67108872 [ 200: 68000000] @ heapprofile
///          1: 67108864 [   1: 67108864] @ 0x55b33b12f729 0x55b33b12f746
///
///     MAPPED_LIBRARIES:
///     55b33b12f000-55b33b130000 r-xp 00000000 00:00 16225523    /usr/bin/program
///
/// Before the bracket stands what is in use, within it all that was ever allocated: objects, then
/// bytes. A profile that was cut off while it was written has no section of libraries.
package enum HeapProfileReader {
  /// More frames are no stack of this profiler, which keeps 32, nor of its relatives.
  private static let deepest = 1024

  package static func read(_ path: String) throws -> HeapProfile {
    try parse(InputFile(path, as: "heap profile"))
  }

  package static func parse(_ file: InputFile) throws(HeapProfileFault) -> HeapProfile {
    let lines = file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    func fault(_ index: Int, _ reason: HeapProfileFault.Reason) -> HeapProfileFault {
      HeapProfileFault(path: file.path, line: index + 1, reason: reason)
    }
    guard let first = lines.first, let sampling = try header(first, fault: { fault(0, $0) }) else {
      throw fault(0, .noHeader)
    }
    var allocations: [HeapProfile.Allocation] = []
    var index = 1
    while index < lines.count, !isTitle(lines[index]) {
      let line = lines[index]
      if !line.allSatisfy(ByteScanner.isBlank) {
        guard let found = allocation(line, sampling) else { throw fault(index, .badAllocation) }
        guard found.stack.count <= deepest else { throw fault(index, .tooDeep) }
        allocations.append(found)
      }
      index += 1
    }
    guard index < lines.count else { throw fault(index - 1, .cutOff) }
    var mappings: [HeapProfile.Mapping] = []
    for index in lines.indices.dropFirst(index + 1) {
      let line = lines[index]
      if line.allSatisfy(ByteScanner.isBlank) { continue }
      guard let found = mapping(line) else { throw fault(index, .badMapping) }
      mappings.append(found)
    }
    return HeapProfile(allocations: allocations, mappings: mappings, sampling: sampling)
  }

  /// What the first line says is in use, before any scaling: enough to choose among profiles.
  package static func headline(of start: Data) -> Bytes? {
    var scan = ByteScanner(start.prefix { $0 != UInt8(ascii: "\n") })
    return counts(&scan, after: "heap profile:").map { Bytes($0.bytes) }
  }

  private static func isTitle(_ line: Data) -> Bool {
    line.elementsEqual("MAPPED_LIBRARIES:".utf8)
  }

  /// - Returns: nothing where the line is none of a heap profile.
  private static func header(
    _ line: Data, fault: (HeapProfileFault.Reason) -> HeapProfileFault
  ) throws(HeapProfileFault) -> HeapProfile.Sampling? {
    var scan = ByteScanner(line)
    guard counts(&scan, after: "heap profile:") != nil else { return nil }
    scan.skipBlanks()
    guard scan.take("@") else { return nil }
    let kind = scan.rest
    let parts = kind.split(separator: "/", omittingEmptySubsequences: false)
    if kind == "heapprofile" { return HeapProfile.Sampling.none }
    guard parts.count == 2, ["heap", "heap_v2"].contains(parts[0]) else {
      throw fault(.unknownKind(kind))
    }
    guard let interval = Int(parts[1]), interval >= 0 else { throw fault(.badInterval(kind)) }
    return parts[0] == "heap" ? .older(interval) : .bytes(interval)
  }

  /// `1: 2048 [ 2: 3072]`: what is in use.
  private static func counts(_ scan: inout ByteScanner, after start: String = "") -> (
    objects: Int, bytes: Int
  )? {
    guard scan.take(start), let objects = scan.number(), scan.take(":"),
      let bytes = scan.number(), scan.take("["), scan.number() != nil, scan.take(":"),
      scan.number() != nil, scan.take("]")
    else { return nil }
    return (objects, bytes)
  }

  private static func allocation(
    _ line: Data, _ sampling: HeapProfile.Sampling
  ) -> HeapProfile.Allocation? {
    var scan = ByteScanner(line)
    guard let (objects, bytes) = counts(&scan), scan.take("@") else { return nil }
    var stack: [UInt64] = []
    while !scan.isAtEnd {
      guard scan.take("0x"), let address = scan.hexadecimal() else { return nil }
      stack.append(address)
    }
    let scale = sampling.scale(objects: objects, bytes: bytes)
    return HeapProfile.Allocation(
      objects: scaled(objects, scale), bytes: Bytes(scaled(bytes, scale)), stack: stack)
  }

  private static func scaled(_ count: Int, _ scale: Double) -> Int {
    if scale == 1 { return count }
    let value = (Double(count) * scale).rounded()
    return value < 9e18 ? Int(value) : .max
  }

  /// A line of `/proc/PID/maps`.
  private static func mapping(_ line: Data) -> HeapProfile.Mapping? {
    var scan = ByteScanner(line)
    guard let start = scan.hexadecimal(), scan.take("-"), let end = scan.hexadecimal(),
      start <= end
    else { return nil }
    let rights = scan.word()
    guard let offset = scan.hexadecimal() else { return nil }
    // The device, and the file's number in it.
    _ = scan.word()
    _ = scan.word()
    return HeapProfile.Mapping(
      start: start, end: end, offset: offset, isExecutable: rights.contains("x"), path: scan.rest)
  }
}
