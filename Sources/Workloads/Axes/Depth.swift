/// Tokens in a cache to begin with, as an axis: none at the least.
package struct Depth: AxisNumber {
  package let count: Int
  package static let least = 0

  package init(_ count: Int) { self.count = count }
}
