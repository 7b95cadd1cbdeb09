package import OrderedCollections
import Records

/// What tells one measured case from another: a name, and every setting that is no result.
package struct ResultKey: Hashable, Sendable {
  package var name: String
  /// By the tool's own names.
  package var settings: OrderedDictionary<String, String>

  package init(_ name: String, settings: OrderedDictionary<String, String> = [:]) {
    self.name = name
    self.settings = settings
  }
}

/// What cases are called: by their names, and by those settings that differ among cases of one name.
struct CaseNames {
  private var names: [ResultKey: String] = [:]
  /// Settings by which no case of one name has a partner in the other set, with both sets' values.
  private(set) var divided: OrderedDictionary<String, OrderedSet<[String]>> = [:]

  /// - Parameter sets: the keys of one result, or of two that are compared: the same case has the same
  ///   name in both.
  init(_ sets: [[ResultKey]]) {
    // A version of a tool that does not know a setting says nothing of it.
    let known = sets.map { keys in Set(keys.flatMap(\.settings.keys)) }
    var groups: OrderedDictionary<String, [[ResultKey]]> = [:]
    for (side, keys) in sets.enumerated() {
      for key in keys {
        groups[key.name, default: Array(repeating: [], count: sets.count)][side].append(key)
      }
    }
    // What is left of a key once settings that do not differ are taken off, and who reads alike.
    var effective: [ResultKey: ResultKey] = [:]
    var texts: [String: Set<ResultKey>] = [:]
    for (name, sides) in groups {
      let fields = OrderedSet(sides.flatMap { $0 }.flatMap(\.settings.keys))
      let differing = fields.filter { field in
        let values = sides.enumerated().map { side, keys in
          known[side].contains(field) ? Set(keys.map { $0.settings[field] }) : []
        }
        return Set(values.flatMap { $0 }).count > 1
      }
      for field in differing where sides.allSatisfy({ !$0.isEmpty }) && sides.count > 1 {
        let values = sides.map { keys in Set(keys.map { $0.settings[field] ?? "none" }) }
        if values[0].isDisjoint(with: values[1]) {
          divided[field, default: []].append(values.map { $0.sorted().joined(separator: ", ") })
        }
      }
      for key in Set(sides.flatMap { $0 }) {
        let own = ResultKey(name, settings: key.settings.filter { differing.contains($0.key) })
        effective[key] = own
        texts[Self.text(of: own), default: []].insert(own)
      }
    }
    for (key, own) in effective {
      let text = Self.text(of: own)
      // Two that read alike stay two: each with its settings as they were written.
      names[key] =
        texts[text, default: []].count == 1
        ? text
        : text + " {" + own.settings.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
    }
  }

  subscript(key: ResultKey) -> String { names[key] ?? key.name }

  /// In this program's own form where the name has it: `decode [threads=2]`, `a/m=1,threads=2`.
  private static func text(of key: ResultKey) -> String {
    let words = key.settings.filter { !$0.value.isEmpty }.map { field, value in
      field.split(separator: "_").joined(separator: "-") + "="
        + value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ";")
    }.joined(separator: ",")
    if words.isEmpty { return key.name }
    return Case(id: key.name)?.axes.isEmpty == false
      ? "\(key.name),\(words)" : "\(key.name) [\(words)]"
  }
}
