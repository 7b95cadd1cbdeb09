import Foundation
import Glibc
import Records

/// A file that grows by whole lines, each on the disk before the next one is made; half a line that could
/// not be written is cut away.
final class AppendedFile {
  let file: File
  /// The bytes that are whole lines: where a failed write is cut back to.
  private var length: Int

  /// - Parameter length: where the next line begins; what is behind it goes.
  init(_ file: File, from length: Int) throws(SystemError) {
    self.file = file
    self.length = length
    guard ftruncate(file.descriptor, length) == 0, lseek(file.descriptor, length, SEEK_SET) >= 0
    else { throw SystemError(errno) }
  }

  func append(_ value: some Encodable) throws {
    try put(try JSONText.encode(value) + Data("\n".utf8))
  }

  func put(_ line: Data) throws(SystemError) {
    do throws(SystemError) {
      try file.write(line)
      guard fsync(file.descriptor) == 0 else { throw SystemError(errno) }
      length += Int(line.count)
    } catch {
      // Half a record must not stand where the next one would be appended.
      _ = ftruncate(file.descriptor, length)
      _ = lseek(file.descriptor, length, SEEK_SET)
      throw error
    }
  }
}
