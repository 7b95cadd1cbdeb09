/// Chooses fewer of many things in a row: again and again the one goes that tells least beside the one
/// before it.
///
/// - Parameters:
///   - limit: how many may stay; those that must do so even where there are more of them.
///   - mustStay: whether one may never go.
///   - told: what one tells beside the one before it, of those that are still there.
/// - Returns: the places of those that stay, in order.
package func thinned(
  _ count: Int, to limit: Int, mustStay: (Int) -> Bool, told: (_ before: Int, _ one: Int) -> Int
) -> [Int] {
  var kept = Array(0..<count)
  while kept.count > limit {
    var least: (place: Int, told: Int)?
    for place in kept.indices.dropFirst() where !mustStay(kept[place]) {
      let much = told(kept[place - 1], kept[place])
      if much < least?.told ?? .max { least = (place, much) }
    }
    guard let least else { break }
    kept.remove(at: least.place)
  }
  return kept
}
