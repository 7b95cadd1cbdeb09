import Yams

/// A node of a suite file, read by shape; scalars stay as they were written.
struct SuiteNode {
  let node: Node
  let path: String

  var place: Place {
    .file(path, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }

  /// A scalar's text: YAML's own types are left alone, so that `on`, `off` and `1e3` stay words.
  func text(_ what: String) throws -> Located<String> {
    guard case .scalar(let scalar) = node else { throw wrongShape(what, "a single value") }
    guard !scalar.string.trimmed.isEmpty else { throw SuiteFault.noValue(axis: what, place) }
    return Located(scalar.string.trimmed, place)
  }

  func items(_ what: String) throws -> [SuiteNode] {
    if isNothing { return [] }
    guard case .sequence(let sequence) = node else { throw wrongShape(what, "a list") }
    return sequence.map { SuiteNode(node: $0, path: path) }
  }

  func pairs(_ what: String) throws -> [(key: Located<String>, value: SuiteNode)] {
    if isNothing { return [] }
    guard case .mapping(let mapping) = node else { throw wrongShape(what, "a mapping") }
    var seen: Set<String> = []
    return try mapping.map { pair in
      let key = try SuiteNode(node: pair.key, path: path).text("a key of \(what)")
      // Yams tells `1` and `"1"` apart, and here they are one name.
      guard seen.insert(key.value).inserted else {
        throw SuiteFault.duplicateKey(key.value, key.place)
      }
      return (key, SuiteNode(node: pair.value, path: path))
    }
  }

  /// The values of a mapping whose keys are known beforehand.
  func fields(_ what: String, known: [String]) throws -> SuiteFields {
    var values: [String: SuiteNode] = [:]
    for (key, value) in try pairs(what) {
      guard known.contains(key.value) else {
        throw SuiteFault.unknownKey(key.value, of: what, known: known, key.place)
      }
      values[key.value] = value
    }
    return SuiteFields(what: what, values: values, place: place)
  }

  var isScalar: Bool {
    if case .scalar = node { true } else { false }
  }

  var isMapping: Bool {
    if case .mapping = node { true } else { false }
  }

  /// A key with nothing behind it.
  private var isNothing: Bool {
    if case .scalar(let scalar) = node { scalar.string.isEmpty } else { false }
  }

  private func wrongShape(_ what: String, _ wanted: String) -> SuiteFault {
    let found =
      switch node {
      case .scalar(let scalar): "'\(scalar.string)'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return .wrongShape(what, wanted: wanted, found: found, place)
  }
}

/// A mapping's values by key.
struct SuiteFields {
  let what: String
  let values: [String: SuiteNode]
  let place: Place

  subscript(key: String) -> SuiteNode? { values[key] }

  func required(_ key: String) throws -> SuiteNode {
    guard let value = values[key] else { throw SuiteFault.missingKey(key, of: what, place) }
    return value
  }
}
