package import OrderedCollections

/// One problem, asked for in one way: a workload and the value of every axis, in a fixed order.
///
/// The `id` is the join key everywhere. It holds what was asked (`variant=best`), so that a build
/// that resolves it otherwise still joins; what it resolved to are fields of the record.
package struct Case: Hashable, Sendable {
  package let workload: String
  package let axes: OrderedDictionary<String, AxisValue>

  package init(workload: String, axes: OrderedDictionary<String, AxisValue>) {
    self.workload = workload
    self.axes = axes
  }

  /// `matmul/m=1,n=4096,k=4096,precision=bf16,variant=best,threads=all,cache=warm`
  package var id: String {
    var id = workload
    var separator = "/"
    for (name, value) in axes {
      id += separator
      id += name
      id += "="
      id += value.text
      separator = ","
    }
    return axes.isEmpty ? id + separator : id
  }

  /// Reads an `id` back.
  package init?(id: String) {
    guard let slash = id.firstIndex(of: "/"), slash != id.startIndex else { return nil }
    let pairs = id[id.index(after: slash)...]
    var axes: OrderedDictionary<String, AxisValue> = [:]
    for pair in pairs.split(separator: ",", omittingEmptySubsequences: pairs.isEmpty) {
      guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else { return nil }
      let name = String(pair[..<equals])
      guard axes[name] == nil else { return nil }
      axes[name] = AxisValue(pair[pair.index(after: equals)...])
    }
    self.init(workload: String(id[..<slash]), axes: axes)
  }

  /// The command that runs this case alone.
  package var repro: String {
    "headroom sweep --workload \(workload)"
      + axes.map { " -a \($0.key)=\(shellQuoted($0.value.text))" }.joined()
  }
}

extension Case: Codable {
  private enum CodingKeys: String, CodingKey { case id, workload, axes }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let id = try container.decode(String.self, forKey: .id)
    guard let read = Case(id: id) else {
      throw DecodingError.dataCorruptedError(
        forKey: .id, in: container, debugDescription: "'\(id)' is not a case id")
    }
    self = read
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(workload, forKey: .workload)
    var values: [String: AxisValue] = [:]
    for (name, value) in axes { values[name] = value }
    try container.encode(values, forKey: .axes)
  }
}
