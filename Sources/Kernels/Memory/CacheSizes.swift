import Glibc
package import Quantities

/// The data caches of the processor that this process runs on: block sizes follow from them.
package struct CacheSizes: Hashable, Sendable {
  package let l1: Bytes
  package let l2: Bytes

  /// Sizes to compute cuts for, whatever this processor has.
  package init(l1: Bytes, l2: Bytes) {
    self.l1 = l1
    self.l2 = l2
  }

  /// As the C library reads them; where it cannot tell, the smallest in use since 2015.
  package static let current = CacheSizes(
    l1: size(Int32(_SC_LEVEL1_DCACHE_SIZE)) ?? .kibibytes(32),
    l2: size(Int32(_SC_LEVEL2_CACHE_SIZE)) ?? .kibibytes(256))

  private static func size(_ name: Int32) -> Bytes? {
    let value = sysconf(name)
    return value > 0 ? Bytes(value) : nil
  }
}
