import Running
import Testing

@Suite struct ComplaintScannerTests {
  private static func complaints(_ chunks: [String]) -> [String] {
    var scanner = ComplaintScanner()
    for chunk in chunks { scanner.add(chunk.utf8) }
    scanner.finish()
    return scanner.complaints
  }

  /// What Python, NumPy, C++, PyTorch, the C library and Swift say.
  @Test(arguments: [
    "MemoryError", "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried",
    "sort: Cannot allocate memory", "Fatal error: failed to allocate 8 bytes",
  ])
  func `a line that tells of refused memory is kept`(line: String) {
    #expect(Self.complaints(["Traceback\n", "\(line)\nmore\n"]) == [line])
    #expect(Self.complaints([line]) == [line])
  }

  @Test(arguments: [
    "ValueError: no", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "",
    "Memory: 3 GiB",
  ])
  func `other lines are not, nor those of a device's own memory`(line: String) {
    #expect(Self.complaints([line + "\n"]) == [])
  }

  @Test func `a line may come in pieces, and bytes that are no text harm nothing`() {
    #expect(Self.complaints(["Memory", "Err", "or\n"]) == ["MemoryError"])
    var scanner = ComplaintScanner()
    scanner.add([0xFF, 0xFE] + Array("MemoryError\n".utf8))
    #expect(scanner.complaints.count == 1)
  }

  @Test func `of many lines the first five are kept, and of long ones the beginning`() {
    let lines = (0..<9).map { "MemoryError \($0)\n" }
    #expect(Self.complaints(lines) == (0..<5).map { "MemoryError \($0)" })
    let long = "MemoryError " + String(repeating: "x", count: 9000)
    #expect(Self.complaints([long]).first?.count == 200)
  }
}
