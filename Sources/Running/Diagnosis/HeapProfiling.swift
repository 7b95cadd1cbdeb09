import Foundation
import Glibc
import Measuring
import Quantities
import Records

/// tcmalloc's heap profiler within a program that knows nothing of it.
struct HeapProfiling: Codable, Sendable {
  let library: String
  /// Where profiles are written; nothing else lies there.
  let folder: String
  /// A profile is written each time that the maximum in use has grown by so much.
  let interval: Bytes

  /// - Parameters:
  ///   - program: the file that is started.
  ///   - folder: that exists, and is empty.
  static func prepare(
    _ choice: DiagnosisOptions.HeapChoice, program: String, folder: String, limit: Bytes?
  ) throws(DiagnosisFault) -> Reading<HeapProfiling> {
    let library: String
    switch choice {
    case .none: return .unavailable("--no-heap left it out")
    case .ownLibrary:
      guard let own = ownLibrary else {
        return .unavailable(
          "this program itself runs without libtcmalloc; name it: --heap-profiler")
      }
      library = own
    case .library(let path):
      guard FileStatus(path)?.isRegular == true, access(path, R_OK) == 0 else {
        throw .noLibrary(path)
      }
      library = URL(fileURLWithPath: path).standardizedFileURL.path
      if library.contains(where: { $0 == " " || $0 == ":" }) { throw .badLibraryName(path) }
    }
    if let obstacle = ProgramFile(program).preloadingObstacle { return .unavailable(obstacle) }
    return .measured(
      HeapProfiling(library: library, folder: folder, interval: interval(under: limit)))
  }

  /// A hundredth of a limit; without one what costs a program of some gibibytes a hundred profiles. Each
  /// takes milliseconds, and a megabyte on the disk.
  private static func interval(under limit: Bytes?) -> Bytes {
    guard let limit else { return .mebibytes(16) }
    return min(max(Bytes(limit.count / 100), .mebibytes(1)), .mebibytes(64))
  }

  /// The file of the allocator in this process, if it has the profiler.
  private static var ownLibrary: String? {
    let maps = FileSource.system.text("/proc/self/maps") ?? ""
    return maps.split(separator: "\n").lazy.compactMap { line in
      line.firstIndex(of: "/").map { String(line[$0...]) }
    }.first { $0.contains("/libtcmalloc.so") || $0.contains("/libtcmalloc_and_profiler.so") }
  }

  func environment(beside inherited: [String: String]) -> [String: String] {
    let others = inherited["LD_PRELOAD"].map { ":\($0)" } ?? ""
    return [
      "LD_PRELOAD": library + others,
      "HEAPPROFILE": "\(folder)/p",
      "HEAP_PROFILE_INUSE_INTERVAL": "\(interval.count)",
      "HEAP_PROFILE_ALLOCATION_INTERVAL": "0",
      "HEAP_PROFILE_DEALLOCATION_INTERVAL": "0",
      "HEAP_PROFILE_TIME_INTERVAL": "0",
      // The program's standard error is its own.
      "PERFTOOLS_VERBOSE": "-1",
      "TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD": "\(Int.max)",
    ]
  }

  /// Removes profiles that a later one of the same process has made useless: each time that the maximum
  /// has grown there is another. Some stay, since the last may be cut off.
  func prune() {
    let stored = Dictionary(grouping: profiles, by: \.series)
    for series in stored.values {
      for old in series.sorted(by: { $0.number < $1.number }).dropLast(4) {
        unlink("\(folder)/\(old.name)")
      }
    }
  }

  /// What was in use where most was, in the process that had the most.
  func read(root: Int32) -> Reading<HeapUse> {
    let found = profiles.compactMap { profile in
      headline(profile.name).map { (profile: profile, inUse: $0) }
    }.sorted { ($0.inUse, $0.profile.number) > ($1.inUse, $1.profile.number) }
    guard !found.isEmpty else {
      return .unavailable(
        "no profile was written: the program ended before it had \(interval) in use, or does not "
          + "take its memory from malloc")
    }
    var reason = ""
    for (profile, _) in found {
      do {
        let heap = try HeapProfileReader.read("\(folder)/\(profile.name)")
        return .measured(use(heap, of: profile.process ?? root))
      } catch {
        // An earlier one is whole.
        reason = (error as? any FaultConvertible)?.fault.what ?? "\(error)"
      }
    }
    return .unavailable("no profile is whole: \(reason)")
  }

  private func use(_ heap: HeapProfile, of process: Int32) -> HeapUse {
    let symbols = SymbolTable(heap.mappings)
    let ranking = AllocationSites.rank(heap) { symbols.frame(returningTo: $0) }
    return HeapUse(
      process: process, inUse: heap.inUse, interval: interval, isSampled: heap.sampling != .none,
      sites: ranking.sites, others: ranking.others)
  }

  private struct Profile {
    let name: String
    /// `p`, or `p_PID` in a program that another one started.
    let series: String
    let number: Int

    var process: Int32? { series.split(separator: "_").last.flatMap { Int32($0) } }
  }

  /// Files of the form `p_4711.0002.heap`.
  private var profiles: [Profile] {
    FileSource.system.names(folder).compactMap { name in
      let parts = name.split(separator: ".")
      guard parts.count == 3, parts[2] == "heap", let number = Int(parts[1]) else { return nil }
      return Profile(name: name, series: String(parts[0]), number: number)
    }
  }

  private func headline(_ name: String) -> Bytes? {
    guard let file = FileHandle(forReadingAtPath: "\(folder)/\(name)") else { return nil }
    return (try? file.read(upToCount: 256)).flatMap { HeapProfileReader.headline(of: $0) }
  }
}
