import Models
import Records

/// Sequences that are longer than a named model was published for are refused, unless positions are scaled. How
/// deep a cache is changes what a token costs, whatever a model makes of it, and stays free.
enum ContextCheck {
  private static let length = "tokens"

  /// - Parameter column: the values that an axis is given.
  static func run(_ entry: SuiteEntry, column: (String) -> EntryGrid.Column?) throws {
    guard let models = entry.axes.first(where: { $0.name.value == AxisAlias.model }),
      !entry.axes.contains(where: { $0.name.value == "rope-scaling" })
    else { return }
    let named = models.values.items.compactMap { item -> Architecture? in
      guard case .text(let name) = item.value else { return nil }
      return Architecture.named(name)
    }
    guard let shortest = named.min(by: { $0.context < $1.context }) else { return }
    for axis in entry.axes where axis.name.value == length {
      for row in try column(axis.name.value)?.expand() ?? [] {
        guard let value = row.first, let tokens = value.value.number, tokens > shortest.context
        else { continue }
        throw SuiteFault.beyondContext(
          tokens, axis: axis.name.value, model: shortest.name, context: shortest.context,
          value.place)
      }
    }
  }
}
