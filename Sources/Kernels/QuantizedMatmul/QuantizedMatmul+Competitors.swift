import Quantities

extension QuantizedMatmul {
  /// Libraries of others, where they are found, for the format that they share with us: bytes with
  /// a scale a row, against activations rounded by rows.
  static let competitors: [Variant<QuantizedMatmul>] = ForeignLibrary.allCases.map { library in
    Variant(
      name: library.rawValue, kind: .competitor, library: library,
      declines: { problem in
        guard problem.format == .int8, problem.weightFormat.group == nil else {
          return "\(library.rawValue) is asked for int8 with a scale a row alone"
        }
        guard problem.roundsActivations else {
          return "\(library.rawValue) is asked for rounded activations alone"
        }
        return library.declines(problem.productShape)
      },
      prepare: { problem, operands, execution in
        let layout = Integers.Layout(
          problem.weightFormat, rows: problem.n, columns: problem.k)
        return try LibraryKernel(
          library, problem.productShape, a: operands.a, b: operands.b,
          scalesAt: layout.scalesAt, c: operands.c, execution: execution)
      })
  }
}

extension QuantizedMatmul.Problem {
  var productShape: ProductShape { ProductShape(m: m, n: n, k: k, elements: .bytes) }
}
