import Quantities

extension Matmul {
  /// Libraries of others, where they are found.
  static let competitors: [Variant<Matmul>] = ForeignLibrary.allCases.map { library in
    Variant(
      name: library.rawValue, kind: .competitor, library: library,
      declines: { library.declines($0.productShape) },
      prepare: { problem, operands, execution in
        try LibraryKernel(
          library, problem.productShape, a: operands.a, b: operands.b, c: operands.c,
          execution: execution)
      })
  }
}

extension Matmul.Problem {
  var productShape: ProductShape {
    ProductShape(m: m, n: n, k: k, elements: .float(precision))
  }
}
