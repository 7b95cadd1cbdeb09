/// A case beside the fastest that differs from it in nothing but the variant.
package struct Versus: Codable, Hashable, Sendable {
  package let variant: String
  /// How many times as long as the other this one takes.
  package let ratio: Double
  package let low: Double
  package let high: Double
}
