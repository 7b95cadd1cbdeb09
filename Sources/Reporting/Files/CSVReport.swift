import OrderedCollections
import Records

/// One line a case, for spreadsheets and data frames (RFC 4180).
///
/// Columns are the id, the workload, each axis, and the JSON report's names joined by `_`; a field
/// that an axis has the name of is `resolved_…`. What could not be had is an empty field.
package enum CSVReport {
  package static func text(_ report: Report) -> String {
    var axes: OrderedSet<String> = []
    for report in report.cases { axes.formUnion(report.case.axes.keys) }
    let fields = report.cases.map { flat($0.metrics, axes) }
    var names: OrderedSet<String> = []
    for fields in fields { names.formUnion(fields.keys) }

    var lines = [["id", "workload"] + axes + names]
    for (report, fields) in zip(report.cases, fields) {
      lines.append(
        [report.case.id, report.case.workload]
          + axes.map { report.case.axes[$0]?.text ?? "" }
          + names.map { fields[$0] ?? "" })
    }
    return lines.map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
  }

  private static func flat(
    _ metrics: [Metric], _ axes: OrderedSet<String>, under section: String = ""
  ) -> OrderedDictionary<String, String> {
    var fields: OrderedDictionary<String, String> = [:]
    for metric in metrics {
      var name = section + metric.name + (metric.unit.map { "_\($0)" } ?? "")
      if axes.contains(name) { name = "resolved_\(name)" }
      switch metric.value {
      case .number(let number): fields[name] = number.isFinite ? "\(number)" : ""
      case .count(let count): fields[name] = "\(count)"
      case .text(let text): fields[name] = harmless(text)
      case .flag(let flag): fields[name] = "\(flag)"
      case .list(let list): fields[name] = harmless(list.joined(separator: "; "))
      case .object(let inner):
        fields.merge(flat(inner, axes, under: "\(name)_")) { first, _ in first }
      case .none, .unavailable, .stored: fields[name] = ""
      }
    }
    return fields
  }

  /// A text that a spreadsheet would take for a formula is marked as text, as people mark it there.
  private static func harmless(_ text: String) -> String {
    guard let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) else {
      return text
    }
    return "'" + text
  }

  private static func quoted(_ field: String) -> String {
    let special =
      field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
      || field.hasPrefix(":")
    guard special else { return field }
    let doubled = field.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] }
    return "\"\(String(String.UnicodeScalarView(doubled)))\""
  }
}
