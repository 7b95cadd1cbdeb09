import OrderedCollections
import Records
import Workloads

/// An entry with its names looked up and its values counted, but nothing expanded yet.
struct EntryGrid {
  /// More cases than anyone waits for, and few enough to print.
  static let limit = 100_000

  let entry: SuiteEntry
  let workload: WorkloadDescription
  let columns: [Column]
  /// What cases that run in turns differ by: one axis, or those that vary together.
  let interleave: [String]
  let monotone: [String]

  /// One axis, or several that vary together, and what they are given: a value of each at a time.
  struct Column {
    let axes: [Axis]
    let count: Int
    /// Where it was given; nil where a default stands.
    let place: Place?
    let expand: () throws -> [[Located<AxisValue>]]
  }

  init(_ entry: SuiteEntry, in catalog: WorkloadCatalog) throws {
    let workload = try catalog.find(entry.workload)
    var given: [String: Column] = [:]
    for assignment in entry.axes {
      let column = try Self.column(assignment, workload, entry.place)
      for axis in column.axes {
        guard given.updateValue(column, forKey: axis.name) == nil else {
          throw SuiteFault.axisTwice(axis.name, assignment.name.place)
        }
      }
    }
    try ContextCheck.run(entry) { given[$0] }
    columns = try workload.allAxes.compactMap { axis in
      // Where its first axis stands.
      if let column = given[axis.name] {
        return column.axes.first?.name == axis.name ? column : nil
      }
      if let value = axis.defaultValue {
        return Column(axes: [axis], count: 1, place: nil) { [[Located(value, entry.place)]] }
      }
      if axis.isOptional { return nil }
      throw SuiteFault.missingAxis(axis.name, workload: workload.name, entry.place)
    }
    monotone = try entry.monotone.map { name in
      guard let axis = workload.allAxes.first(where: { $0.name == name.value }) else {
        throw SuiteFault.unknownAxis(
          name.value, workload: workload.name, known: workload.allAxes.map(\.name), name.place)
      }
      guard axis.isNumber else { throw SuiteFault.rangeOfWords(axis: name.value, name.place) }
      return axis.name
    }
    interleave =
      try entry.interleave.map {
        try AxisAlias.meaning($0, of: workload).axes.map(\.name)
      } ?? []
    self.entry = entry
    self.workload = workload
  }

  /// How many cases there are, without making them.
  var count: Int { columns.reduce(1) { $0.multipliedOrMax(by: $1.count) } }

  /// The axis to shorten where there are too many.
  var longest: Place { columns.max { $0.count < $1.count }?.place ?? entry.place }

  /// Each case and where its values were written, the last axis fastest.
  func forEach(_ body: (OrderedDictionary<String, Located<AxisValue>>) throws -> Void) throws {
    let values = try columns.map { try $0.expand() }
    // Where each axis is found: a column may give several.
    var places: [(axis: String, column: Int, index: Int)] = []
    for axis in workload.allAxes {
      for (number, column) in columns.enumerated() {
        if let index = column.axes.firstIndex(where: { $0.name == axis.name }) {
          places.append((axis.name, number, index))
        }
      }
    }
    var indices = [Int](repeating: 0, count: columns.count)
    // The names stay; only values are put in, as no name need be looked up for it.
    var row = OrderedDictionary(
      uniqueKeysWithValues: places.map { ($0.axis, values[$0.column][0][$0.index]) })
    while true {
      for (number, place) in places.enumerated() {
        row.values[number] = values[place.column][indices[place.column]][place.index]
      }
      try body(row)
      var position = columns.count - 1
      while position >= 0, indices[position] + 1 == values[position].count {
        indices[position] = 0
        position -= 1
      }
      guard position >= 0 else { return }
      indices[position] += 1
    }
  }

  /// The values of one axis in a skip's condition, as case ids write them.
  func condition(_ assignment: AxisAssignment) throws -> (axis: String, values: Set<String>) {
    let column = try Self.column(assignment, workload, entry.place, expandsAll: false)
    guard column.count <= Self.limit else {
      throw SuiteFault.tooManyCases(column.count, limit: Self.limit, assignment.values.place)
    }
    guard column.axes.count == 1, let axis = column.axes.first else {
      throw SuiteFault.unknownAxis(
        assignment.name.value, workload: workload.name, known: workload.allAxes.map(\.name),
        assignment.name.place)
    }
    return (axis.name, Set(try column.expand().flatMap { $0.map(\.value.text) }))
  }

  private static func column(
    _ assignment: AxisAssignment, _ workload: WorkloadDescription, _ place: Place,
    expandsAll: Bool = true
  ) throws -> Column {
    let meaning = try AxisAlias.meaning(assignment.name, of: workload)
    let axes = meaning.axes
    let isVariants = expandsAll && axes.contains { $0.name == HarnessAxis.variant.rawValue }
    for item in assignment.values.items {
      if case .range = item.value, axes.count > 1 || !axes.allSatisfy(\.isNumber) {
        throw SuiteFault.rangeOfWords(axis: assignment.name.value, item.place)
      }
    }
    // `all` is as many as it will become.
    let alls = assignment.values.items.count { $0.value == .text("all") }
    let more = isVariants ? alls * (workload.contenders.count - 1) : 0
    let count = assignment.values.count.addingOrMax(more)
    return Column(axes: axes, count: count, place: assignment.values.place) {
      var seen: Set<[String]> = []
      var rows: [[Located<AxisValue>]] = []
      for item in assignment.values.items {
        for text in texts(item.value) {
          let row = try zip(axes, meaning.read(Located(text, item.place))).map { axis, text in
            Located(try axis.value(text, at: item.place), item.place)
          }
          let values = row.map(\.value.text)
          guard seen.insert(values).inserted else {
            let value = axes.count == 1 ? values[0] : text
            throw SuiteFault.repeatedValue(value, axis: assignment.name.value, item.place)
          }
          rows.append(row)
        }
      }
      return isVariants ? try expandAll(rows, workload) : rows
    }
  }

  private static func texts(_ item: AxisValues.Item) -> [String] {
    switch item {
    case .text(let text): [text]
    case .range(let range): range.numbers.map(String.init)
    }
  }

  /// `all` becomes one value a variant.
  private static func expandAll(
    _ rows: [[Located<AxisValue>]], _ workload: WorkloadDescription
  ) throws -> [[Located<AxisValue>]] {
    try rows.flatMap { row in
      guard let value = row.first, value.value.text == "all" else { return [row] }
      guard !workload.contenders.isEmpty else {
        throw SuiteFault.noContenders(workload: workload.name, value.place)
      }
      return workload.contenders.map { [Located(.word($0.name), value.place)] }
    }
  }
}
