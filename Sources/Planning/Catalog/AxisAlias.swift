/// A second name of an axis, whose values are short for the axis's own.
enum AxisAlias {
  /// `bits: [32, 16]` is short for the default format of each width.
  static let bits = "bits"
  /// The axes it may stand for, and the formats: of 6 to 2 bits those that err least for their width.
  private static let formats = [
    "precision": ["32": "fp32", "16": "fp16"],
    "format": [
      "32": "fp32", "16": "fp16", "8": "q8_0", "6": "q6_k", "5": "q5_k", "4": "q4_k", "3": "q3_k",
      "2": "q2_k",
    ],
  ]

  /// The axis of a workload that a name in a suite means, and how to read a value of it.
  static func axis(
    _ name: Located<String>, of workload: WorkloadDescription
  ) throws -> (axis: Axis, read: (Located<String>) throws -> String) {
    let axes = workload.allAxes
    if let axis = axes.first(where: { $0.name == name.value }) { return (axis, { $0.value }) }
    if name.value == bits, let axis = axes.first(where: { formats[$0.name] != nil }) {
      return (axis, { try format($0, among: axis) })
    }
    throw SuiteFault.unknownAxis(
      name.value, workload: workload.name, known: names(of: workload), name.place)
  }

  /// The names that a suite may give.
  static func names(of workload: WorkloadDescription) -> [String] {
    let names = workload.allAxes.map(\.name)
    let isShort = names.contains { formats[$0] != nil } && !names.contains(bits)
    return isShort ? names + [bits] : names
  }

  private static func format(_ width: Located<String>, among axis: Axis) throws -> String {
    let widths = formats[axis.name] ?? [:]
    guard let format = widths[width.value], case .words(let words) = axis.domain,
      words.contains(format)
    else {
      let known = widths.keys.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
      throw SuiteFault.unknownWord(width.value, axis: bits, known: known, width.place)
    }
    return format
  }
}
