/// A second name of an axis, whose values are short for the axis's own.
enum AxisAlias {
  /// `bits: [32, 16]` is short for the default format of each width.
  static let bits = "bits"
  private static let formats = ["32": "fp32", "16": "fp16"]
  private static let formatAxis = "precision"

  /// The axis of a workload that a name in a suite means, and how to read a value of it.
  static func axis(
    _ name: Located<String>, of workload: WorkloadDescription
  ) throws -> (axis: Axis, read: (Located<String>) throws -> String) {
    let axes = workload.allAxes
    if let axis = axes.first(where: { $0.name == name.value }) { return (axis, { $0.value }) }
    if name.value == bits, let axis = axes.first(where: { $0.name == formatAxis }) {
      return (axis, { try format($0, among: axis) })
    }
    throw SuiteFault.unknownAxis(
      name.value, workload: workload.name, known: names(of: workload), name.place)
  }

  /// The names that a suite may give.
  static func names(of workload: WorkloadDescription) -> [String] {
    let names = workload.allAxes.map(\.name)
    return names.contains(formatAxis) && !names.contains(bits) ? names + [bits] : names
  }

  private static func format(_ width: Located<String>, among axis: Axis) throws -> String {
    guard let format = formats[width.value], case .words(let words) = axis.domain,
      words.contains(format)
    else {
      throw SuiteFault.unknownWord(
        width.value, axis: bits, known: formats.keys.sorted(), width.place)
    }
    return format
  }
}
