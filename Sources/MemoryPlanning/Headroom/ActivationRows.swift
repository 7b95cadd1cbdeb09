import Quantities

/// Rows of activations and a way through them, as several workloads have them.
struct ActivationRows {
  let rows: Int
  let columns: Int
  let precision: FloatFormat
  let pass: Pass

  enum Pass: String, CaseIterable {
    case forward, backward
  }

  init(_ values: FormValues) throws {
    rows = try values.count("rows")
    columns = try values.count("columns")
    precision = try values.word("precision")
    pass = try values.word("pass")
    try values.check([rows, columns])
  }

  var count: Int { rows * columns }
  /// Bytes of all rows as activations are stored.
  var stored: Bytes { precision.bytes(of: count) }
}
