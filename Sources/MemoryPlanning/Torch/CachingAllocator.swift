/// PyTorch's allocator for GPUs: it asks the driver for segments, cuts them, and keeps what is let go of.
///
/// - Source: PyTorch's `c10/cuda/CUDACachingAllocator.cpp`; the constants are its own.
struct CachingAllocator {
  /// Bytes that it has of the driver.
  private(set) var reserved = 0
  private var blocks: [Block] = []
  /// Free blocks by their size, of small segments and of large ones.
  private var free: (small: [Int], large: [Int]) = ([], [])

  private struct Block {
    var size: Int
    let isSmall: Bool
    /// Neighbours in the same segment.
    var previous: Int?
    var next: Int?
    var isFree: Bool
  }

  private static let least = 512
  private static let smallest = 1 << 20
  private static let smallSegment = 2 << 20
  private static let largeSegment = 20 << 20
  private static let largeFrom = 10 << 20
  private static let rounding = 2 << 20

  /// - Returns: a number by which it is let go of.
  mutating func allocate(_ bytes: Int) -> Int {
    let size = max(1, (bytes + Self.least - 1) / Self.least) * Self.least
    let isSmall = size <= Self.smallest
    let index = take(size, isSmall) ?? segment(size, isSmall)
    split(index, size)
    blocks[index].isFree = false
    return index
  }

  mutating func letGo(_ index: Int) {
    var index = index
    blocks[index].isFree = true
    if let next = blocks[index].next, blocks[next].isFree {
      remove(next)
      join(index, next)
    }
    if let previous = blocks[index].previous, blocks[previous].isFree {
      remove(previous)
      join(previous, index)
      index = previous
    }
    insert(index)
  }

  /// The smallest free block that is large enough.
  private mutating func take(_ size: Int, _ isSmall: Bool) -> Int? {
    let list = isSmall ? free.small : free.large
    let place = firstPlace(in: list, atLeast: size)
    guard place < list.count else { return nil }
    if isSmall { free.small.remove(at: place) } else { free.large.remove(at: place) }
    return list[place]
  }

  private func firstPlace(in list: [Int], atLeast size: Int) -> Int {
    var (low, high) = (0, list.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[list[middle]].size < size { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func segment(_ size: Int, _ isSmall: Bool) -> Int {
    let bytes =
      isSmall
      ? Self.smallSegment
      : size < Self.largeFrom
        ? Self.largeSegment : (size + Self.rounding - 1) / Self.rounding * Self.rounding
    reserved += bytes
    blocks.append(Block(size: bytes, isSmall: isSmall, previous: nil, next: nil, isFree: true))
    return blocks.count - 1
  }

  /// What is left of a block is one of its own where it is worth it.
  private mutating func split(_ index: Int, _ size: Int) {
    let rest = blocks[index].size - size
    guard blocks[index].isSmall ? rest >= Self.least : rest > Self.smallest else { return }
    blocks.append(
      Block(
        size: rest, isSmall: blocks[index].isSmall, previous: index, next: blocks[index].next,
        isFree: true))
    if let next = blocks[index].next { blocks[next].previous = blocks.count - 1 }
    blocks[index].next = blocks.count - 1
    blocks[index].size = size
    insert(blocks.count - 1)
  }

  private mutating func join(_ left: Int, _ right: Int) {
    blocks[left].size += blocks[right].size
    blocks[left].next = blocks[right].next
    if let next = blocks[right].next { blocks[next].previous = left }
  }

  private mutating func insert(_ index: Int) {
    let list = blocks[index].isSmall ? free.small : free.large
    let place = firstPlace(in: list, atLeast: blocks[index].size)
    if blocks[index].isSmall {
      free.small.insert(index, at: place)
    } else {
      free.large.insert(index, at: place)
    }
  }

  private mutating func remove(_ index: Int) {
    if blocks[index].isSmall {
      free.small.removeAll { $0 == index }
    } else {
      free.large.removeAll { $0 == index }
    }
  }
}

extension CachingAllocator {
  /// What it has of the driver after a journal.
  static func reserved(by journal: [MemoryTape.Event], at counts: BatchCounts) -> Int {
    var allocator = CachingAllocator()
    var places: [Int: Int] = [:]
    for event in journal {
      if let size = event.size {
        let bytes = size.bytes(at: counts)
        if bytes > 0 { places[event.block] = allocator.allocate(bytes) }
      } else if let place = places.removeValue(forKey: event.block) {
        allocator.letGo(place)
      }
    }
    return allocator.reserved
  }
}
