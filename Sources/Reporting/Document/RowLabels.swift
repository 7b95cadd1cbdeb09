import OrderedCollections
import Records

/// What tells the rows of a table apart: the axes that vary; what does not is said once above.
///
/// No value is ever cut short. Where the values fit, each axis is a column whose title may be
/// shortened; else a row says `n=4096 threads=1`, on lines of its own where it must.
struct RowLabels {
  enum Layout {
    case columns([Axis])
    case words
    case above
  }

  struct Axis {
    let name: String
    let title: String
    let width: Int
    let numeric: Bool

    func aligned(_ text: String) -> String { numeric ? text.right(width) : text.left(width) }
  }

  let layout: Layout
  /// Of the column that labels fill, at the left of the figures.
  let width: Int
  /// What all cases of a workload share: a line each, with the workload's name.
  let shared: [String]
  private let varying: [String: [String]]
  private let named: Bool
  /// Whether some are another program's names, which say all by themselves.
  private var isForeign = false

  /// - Parameter room: characters that there are for labels beside the figures.
  init(_ labels: [Table.Label], room: Int) {
    let cases = labels.compactMap { if case .asked(let one) = $0 { one } else { nil } }
    let isForeign = cases.count < labels.count
    let groups = OrderedDictionary(grouping: isForeign ? [] : cases, by: \.workload)
    let varying = Dictionary(
      uniqueKeysWithValues: groups.map { ($0.key, Self.varying(in: $0.value)) })
    let named = groups.count > 1 || varying.values.allSatisfy(\.isEmpty)
    self.varying = varying
    self.named = named
    shared = groups.map { workload, cases in
      "\(workload) \(Self.constants(of: cases, but: varying[workload] ?? []))"
        .trimmingTrailingBlanks
    }
    if !named, let name = cases.first?.workload, let axes = varying[name],
      let columns = Self.columns(axes, of: cases, room: room)
    {
      layout = .columns(columns)
      width = columns.reduce(columns.count - 1) { $0 + $1.width }
      return
    }
    let widest = labels.map { Self.words($0, isForeign, varying, named).count }.max() ?? 0
    layout = widest <= room ? .words : .above
    width = widest <= room ? widest : 0
    self.isForeign = isForeign
  }

  private static func constants(of cases: [Case], but varying: [String]) -> String {
    guard let first = cases.first else { return "" }
    return first.axes.filter { !varying.contains($0.key) }
      .map { "\($0.key)=\($0.value.text)" }.joined(separator: " ")
  }

  /// The axes on which cases of one workload differ, one that some lack among them.
  static func varying(in cases: [Case]) -> [String] {
    var names: OrderedSet<String> = []
    for one in cases { names.formUnion(one.axes.keys) }
    return names.filter { name in cases.contains { $0.axes[name] != cases[0].axes[name] } }
  }

  /// Aligned to `width` in columns; in plain words otherwise.
  func text(of label: Table.Label) -> String {
    if case .columns(let axes) = layout, case .asked(let one) = label {
      return axes.map { $0.aligned(one.axes[$0.name]?.text ?? "") }.joined(separator: " ")
    }
    return Self.words(label, isForeign, varying, named)
  }

  var title: String {
    guard case .columns(let axes) = layout else { return "" }
    return axes.map { $0.aligned($0.title) }.joined(separator: " ")
  }

  /// The full names of columns, where a title had to be shortened.
  var legend: String? {
    guard case .columns(let axes) = layout, axes.contains(where: { $0.title != $0.name })
    else { return nil }
    return "columns: " + axes.map(\.name).joined(separator: ", ")
  }

  /// Of several cases: the varying axes on which they agree.
  func words(sharedBy cases: [Case]) -> String {
    let workloads = OrderedSet(cases.map(\.workload))
    guard let first = cases.first else { return "" }
    let axes = (varying[first.workload] ?? []).filter { name in
      cases.allSatisfy { $0.axes[name] == first.axes[name] }
    }
    let words = axes.compactMap { name in first.axes[name].map { "\(name)=\($0.text)" } }
    return ((named && workloads.count == 1 ? [first.workload] : []) + words)
      .joined(separator: " ")
  }

  private static func words(
    _ label: Table.Label, _ isForeign: Bool, _ varying: [String: [String]], _ named: Bool
  ) -> String {
    switch label {
    case .none: ""
    case .words(let words): words
    case .asked(let one): isForeign ? one.id : words(one, varying, named)
    }
  }

  private static func words(
    _ one: Case, _ varying: [String: [String]], _ named: Bool
  ) -> String {
    let axes = (varying[one.workload] ?? []).compactMap { name in
      one.axes[name].map { "\(name)=\($0.text)" }
    }
    return ((named ? [one.workload] : []) + axes).joined(separator: " ")
  }

  /// A column for each axis, as wide as its values at least and as its name at most; nothing if
  /// the values alone need more room. What is left goes to the titles that lack least.
  private static func columns(_ names: [String], of cases: [Case], room: Int) -> [Axis]? {
    var widths = names.map { name in cases.map { $0.axes[name]?.text.count ?? 0 }.max() ?? 0 }
    var left = room - widths.reduce(names.count - 1, +)
    guard left >= 0 else { return nil }
    let shortfalls = names.indices.map { ($0, names[$0].count - widths[$0]) }
    for (index, lacking) in shortfalls.sorted(by: { $0.1 < $1.1 })
    where lacking > 0 && lacking <= left {
      widths[index] += lacking
      left -= lacking
    }
    return names.indices.map { index in
      let name = names[index]
      return Axis(
        name: name,
        title: String(name.prefix(widths[index])),
        width: widths[index],
        numeric: cases.contains { $0.axes[name]?.number != nil })
    }
  }
}
