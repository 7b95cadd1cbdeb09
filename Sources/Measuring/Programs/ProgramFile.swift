import CLinux
import Foundation
import Glibc
import Records

/// A program's file, as far as it says whether a library can be loaded into the program before its own.
package struct ProgramFile: Sendable {
  package let path: String

  package init(_ path: String) { self.path = path }

  /// Why a library of this machine's kind would not be loaded; nothing where it would be.
  package var preloadingObstacle: String? { Self.obstacle(path, depth: 0) }

  /// A script's interpreter may be a script itself, some levels deep, as the kernel allows.
  private static let deepestScript = 4

  private static func obstacle(_ path: String, depth: Int) -> String? {
    guard let status = FileStatus(path), status.isRegular else {
      return "\(path) is no regular file"
    }
    guard let file = try? File(path, O_RDONLY) else {
      return "\(path) cannot be read, so nobody can say whether it loads libraries"
    }
    guard let start = read(file, 4096, at: 0) else { return "\(path) cannot be read" }
    if start.starts(with: Array("#!".utf8)) {
      guard depth < deepestScript, let interpreter = interpreter(start) else {
        return "\(path) names no interpreter"
      }
      return obstacle(interpreter, depth: depth + 1)
    }
    if status.mode & mode_t(S_ISUID | S_ISGID) != 0 {
      return "\(path) runs with its owner's rights, and the loader then ignores LD_PRELOAD"
    }
    if hr_has_capabilities(path) != 0 {
      return "\(path) has capabilities of its own, and the loader then ignores LD_PRELOAD"
    }
    return elfObstacle(path, start, file)
  }

  /// `#!/usr/bin/env python3` is a program that starts another: the library goes with it.
  private static func interpreter(_ start: [UInt8]) -> String? {
    let line = start.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
    let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    return words.first.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether it is this machine's kind of program, and names a loader.
  ///
  /// - Source: elf(5). Of the header's 64 bytes these are read: the class (4), the order of bytes (5),
  ///   the machine (18), where program headers begin (32), how long each is (54) and how many (56).
  private static func elfObstacle(_ path: String, _ start: [UInt8], _ file: File) -> String? {
    guard start.starts(with: [0x7F, 0x45, 0x4C, 0x46]), start.count >= 64 else {
      return "\(path) is no ELF program"
    }
    let own = ownMachine
    guard start[4] == 2, start[5] == 1, own == nil || number(start, 18, 2) == own else {
      return "\(path) is a program for another kind of processor than the library is for"
    }
    let (headers, length, count) = (
      number(start, 32, 8), number(start, 54, 2), number(start, 56, 2)
    )
    guard length >= 56, headers < 1 << 40,
      let table = read(file, length * count, at: headers), table.count == length * count
    else { return "\(path) has no table of segments" }
    // PT_INTERP is 3: the loader that reads LD_PRELOAD.
    let hasLoader = (0..<count).contains { number(table, $0 * length, 4) == 3 }
    return hasLoader ? nil : "\(path) is linked statically: there is no loader to load a library"
  }

  /// The machine's number in this program's own header.
  private static var ownMachine: Int? {
    guard let file = try? File("/proc/self/exe", O_RDONLY), let start = read(file, 64, at: 0),
      start.count == 64
    else { return nil }
    return number(start, 18, 2)
  }

  /// Little-endian, of up to eight bytes; what does not fit is as large as can be.
  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    let value = bytes[offset..<(offset + count)].reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    return Int(clamping: value)
  }

  private static func read(_ file: File, _ count: Int, at offset: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(file.descriptor, &bytes, count, off_t(offset))
    return got < 0 ? nil : Array(bytes[..<got])
  }
}
