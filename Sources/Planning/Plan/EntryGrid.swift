import OrderedCollections
import Records

/// An entry with its names looked up and its values counted, but nothing expanded yet.
struct EntryGrid {
  /// More cases than anyone waits for, and few enough to print.
  static let limit = 100_000

  let entry: SuiteEntry
  let workload: WorkloadDescription
  let columns: [Column]
  let interleave: String?

  /// One axis and what it is given.
  struct Column {
    let axis: Axis
    let count: Int
    /// Where the axis was given; nil where its default stands.
    let place: Place?
    let expand: () throws -> [Located<AxisValue>]
  }

  init(_ entry: SuiteEntry, in catalog: WorkloadCatalog) throws {
    let workload = try catalog.find(entry.workload)
    var given: [String: Column] = [:]
    for assignment in entry.axes {
      let column = try Self.column(assignment, workload, entry.place)
      guard given.updateValue(column, forKey: column.axis.name) == nil else {
        throw SuiteFault.axisTwice(column.axis.name, assignment.name.place)
      }
    }
    columns = try workload.allAxes.compactMap { axis in
      if let column = given[axis.name] { return column }
      if let value = axis.defaultValue {
        return Column(axis: axis, count: 1, place: nil) { [Located(value, entry.place)] }
      }
      if axis.isOptional { return nil }
      throw SuiteFault.missingAxis(axis.name, workload: workload.name, entry.place)
    }
    interleave = try entry.interleave.map { try AxisAlias.axis($0, of: workload).axis.name }
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
    var indices = [Int](repeating: 0, count: columns.count)
    while true {
      var row: OrderedDictionary<String, Located<AxisValue>> = [:]
      for (index, column) in columns.enumerated() {
        row[column.axis.name] = values[index][indices[index]]
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
    return (column.axis.name, Set(try column.expand().map(\.value.text)))
  }

  private static func column(
    _ assignment: AxisAssignment, _ workload: WorkloadDescription, _ place: Place,
    expandsAll: Bool = true
  ) throws -> Column {
    let (axis, read) = try AxisAlias.axis(assignment.name, of: workload)
    let isVariants = expandsAll && axis.name == HarnessAxis.variant.rawValue
    for item in assignment.values.items {
      if case .range = item.value, !axis.isNumber {
        throw SuiteFault.rangeOfWords(axis: axis.name, item.place)
      }
    }
    // `all` is as many as it will become.
    let alls = assignment.values.items.count { $0.value == .text("all") }
    let more = isVariants ? alls * (workload.contenders.count - 1) : 0
    let count = assignment.values.count.addingOrMax(more)
    return Column(axis: axis, count: count, place: assignment.values.place) {
      var seen: Set<String> = []
      var values: [Located<AxisValue>] = []
      for item in assignment.values.items {
        for text in texts(item.value) {
          let value = try axis.value(read(Located(text, item.place)), at: item.place)
          guard seen.insert(value.text).inserted else {
            throw SuiteFault.repeatedValue(value.text, axis: axis.name, item.place)
          }
          values.append(Located(value, item.place))
        }
      }
      return isVariants ? try expandAll(values, workload) : values
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
    _ values: [Located<AxisValue>], _ workload: WorkloadDescription
  ) throws -> [Located<AxisValue>] {
    try values.flatMap { value in
      guard value.value.text == "all" else { return [value] }
      guard !workload.contenders.isEmpty else {
        throw SuiteFault.noContenders(workload: workload.name, value.place)
      }
      return workload.contenders.map { Located(.word($0.name), value.place) }
    }
  }
}
