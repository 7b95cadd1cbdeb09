import Records

/// Names of cases as rows of a table show them: what all share is said once above, where the names
/// are this program's.
struct NamedRows {
  /// Nothing where names are another program's.
  private let labels: RowLabels?
  /// What all cases of a workload have in common: a line each.
  let shared: [String]

  init(_ names: [String]) {
    let cases = names.compactMap { Case(id: $0) }
    guard cases.count == names.count, !cases.isEmpty else {
      labels = nil
      shared = []
      return
    }
    labels = RowLabels(cases, room: 0)
    shared = Dictionary(grouping: cases, by: \.workload).sorted { $0.key < $1.key }.compactMap {
      let constants = RowLabels.constants(of: $0.value)
      return constants.isEmpty ? nil : "\($0.key) \(constants)"
    }
  }

  func label(_ name: String) -> String {
    guard let labels, let one = Case(id: name) else { return name }
    return labels.text(of: one)
  }
}
