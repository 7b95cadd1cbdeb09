import CLinux

/// Memory that is gone over, and given back when the last reference goes.
final class ProbeBuffer {
  let start: UnsafeMutableRawPointer
  private var length: Int

  /// Nothing where the system refuses it.
  init?(length: Int, filledWith byte: UInt8) {
    var error: Int32 = 0
    guard length > 0, let start = hr_map_private(UInt64(length), &error) else { return nil }
    self.start = start
    self.length = length
    hr_advise_huge(start, UInt64(length))
    start.initializeMemory(as: UInt8.self, repeating: byte, count: length)
  }

  deinit { hr_unmap(start, UInt64(length)) }

  /// Gives back what lies behind a number of whole pages; a page stays.
  func shorten(to kept: Int) {
    let kept = max(4096, kept / 4096 * 4096)
    guard kept < length else { return }
    hr_unmap(start + kept, UInt64(length - kept))
    length = kept
  }
}
