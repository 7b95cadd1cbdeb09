import Measuring
import Quantities
import Testing

@Suite struct AllocatorPropertiesTests {
  @Test func `a property that the allocator does not know is unavailable with its name`() {
    let readings = AllocatorProperties.read(["a", "b"]) { $0 == "a" ? 7 : nil }
    #expect(
      readings == ["a": .measured(7), "b": .unavailable("the allocator knows no property b")])
  }

  @Test(arguments: AllocatorProperties.names)
  func `tcmalloc knows the property`(name: String) throws {
    #expect(try #require(AllocatorProperties.numericProperty(name)) >= 0)
  }

  @Test func `tcmalloc has allocated something from a heap that holds it`() throws {
    let readings = AllocatorProperties.read()
    let allocated = try #require(readings["generic.current_allocated_bytes"]?.value)
    #expect(allocated > 0)
    #expect(try #require(readings["generic.heap_size"]?.value) >= allocated)
  }

  @Test func `tcmalloc does not know an invented property`() {
    #expect(AllocatorProperties.numericProperty("headroom.invented") == nil)
  }
}
