/// So many of a thing, in words: `1 case`, `2 cases`.
package func counted(_ number: Int, _ noun: String, _ nouns: String? = nil) -> String {
  "\(number) \(number == 1 ? noun : nouns ?? noun + "s")"
}
