import Kernels
import Quantities
import Testing

/// Products that are packed within the call, against fp64.
struct GemmTests {
  /// A matrix of rows × columns, stored as it is or transposed, with some numbers beside each row.
  private struct Operand {
    let tensor: Tensor
    let isTransposed: Bool
    let element: Gemm.Element
    let stride: Int

    init(
      rows: Int, columns: Int, _ element: Gemm.Element, isTransposed: Bool, seed: UInt64,
      in ledger: MemoryLedger
    ) throws {
      let (stored, wide) = isTransposed ? (columns, rows) : (rows, columns)
      stride = wide + 3
      self.element = element
      self.isTransposed = isTransposed
      let type: ElementType =
        if case .stored(let format) = element { format.elementType } else { .fp32 }
      tensor = try ledger.drawn([stored, stride], type, seed: seed)
    }

    var matrix: Gemm.Matrix {
      Gemm.Matrix(tensor.start, stride: stride, isTransposed: isTransposed, element: element)
    }

    /// As it is multiplied.
    subscript(row: Int, column: Int) -> Double {
      let number = tensor[isTransposed ? column * stride + row : row * stride + column]
      return switch element {
      case .stored: Double(number)
      case .rounded(.fp32): Double(number)
      case .rounded(.fp16): Double(Float16Bits.float(Float16Bits.bits(number)))
      case .rounded(.bf16): Double(BFloat16Bits.float(BFloat16Bits.bits(number)))
      }
    }
  }

  private static let elements: [(Gemm.Element, Gemm.Element)] = [
    (.stored(.fp32), .stored(.fp32)), (.stored(.fp16), .stored(.fp16)),
    (.stored(.bf16), .stored(.bf16)), (.stored(.bf16), .stored(.fp32)),
    (.stored(.fp32), .stored(.fp16)), (.stored(.bf16), .rounded(to: .bf16)),
    (.rounded(to: .bf16), .stored(.bf16)), (.rounded(to: .bf16), .rounded(to: .bf16)),
    (.stored(.fp16), .rounded(to: .fp16)), (.rounded(to: .fp16), .rounded(to: .fp16)),
  ]
  private static let layouts = [(false, false), (false, true), (true, false), (true, true)]

  /// Each result within (k + 2) roundings of the sum of its terms' magnitudes. What is beside the results stays as
  /// it was.
  private func check(
    m: Int, outputs: [Int], k: Int, _ elements: (Gemm.Element, Gemm.Element),
    _ layout: (Bool, Bool), accumulates: Bool, _ instructions: InstructionSet
  ) throws -> String? {
    let ledger = try MemoryLedger(fence: 256)
    let a = try Operand(
      rows: m, columns: k, elements.0, isTransposed: layout.0, seed: 1, in: ledger)
    let gemm = try Gemm(
      outputs.map { Gemm.Shape(n: $0, k: k) }
        + (outputs.count == 2
          ? [Gemm.Shape(n: outputs[0], outputs[1], k: k)] : []),
      instructions: instructions, Execution(ledger: ledger, pool: try makePool()))
    var held: [(b: Operand, c: Tensor, before: [Double])] = []
    for (index, n) in outputs.enumerated() {
      let b = try Operand(
        rows: n, columns: k, elements.1, isTransposed: layout.1, seed: UInt64(2 + index),
        in: ledger)
      let c = try ledger.drawn([m, n + 5], seed: 77)
      held.append((b, c, c.doubles))
    }
    gemm.multiply(
      a.matrix, rows: m, k: k,
      zip(held, outputs).map { one, n in
        Gemm.Output(
          one.b.matrix, n: n, to: one.c.floats, stride: n + 5, accumulates: accumulates)
      })
    for (one, n) in zip(held, outputs) {
      let found = one.c.doubles
      for row in 0..<m {
        for column in 0..<n + 5 {
          let place = row * (n + 5) + column
          guard column < n else {
            if found[place] != one.before[place] { return "\(row), \(column) is written beside" }
            continue
          }
          var (sum, size) = accumulates ? (one.before[place], abs(one.before[place])) : (0, 0)
          for l in 0..<k {
            let term = a[row, l] * one.b[column, l]
            sum += term
            size += abs(term)
          }
          if !(abs(found[place] - sum) <= Double(k + 2) * 0x1p-24 * size + 1e-30) {
            return "\(row), \(column) is \(found[place]), not \(sum)"
          }
        }
      }
    }
    return ledger.brokenFences.isEmpty ? nil : "\(ledger.brokenFences)"
  }

  @Test(arguments: 0..<elements.count, InstructionSet.trained)
  func `all layouts of all elements are multiplied, added or not`(
    elements: Int, instructions: InstructionSet
  ) throws {
    for layout in Self.layouts {
      for (m, n, k) in [(1, 1, 1), (3, 17, 5), (13, 33, 8), (14, 16, 31), (29, 65, 70)] {
        for accumulates in [false, true] {
          #expect(
            try check(
              m: m, outputs: [n], k: k, Self.elements[elements], layout, accumulates: accumulates,
              instructions) == nil, "\(layout), \(m) × \(n) × \(k), \(accumulates)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.trained)
  func `each count of rows and of columns is multiplied`(instructions: InstructionSet) throws {
    for size in 1...40 {
      #expect(
        try check(
          m: size, outputs: [41 - size], k: 9, Self.elements[0], Self.layouts[size % 4],
          accumulates: false, instructions) == nil, "\(size)")
    }
  }

  @Test(arguments: InstructionSet.trained)
  func `several outputs share their rows`(instructions: InstructionSet) throws {
    for elements in [Self.elements[0], Self.elements[2], Self.elements[5]] {
      #expect(
        try check(
          m: 19, outputs: [23, 9], k: 37, elements, (false, false), accumulates: false,
          instructions) == nil)
    }
  }

  /// An eighth of L2 is 8192 of a panel of 32 columns where L2 is 1 MiB and 16,384 where it is 2; 4 MiB of panels
  /// of 520 are some 2000 columns.
  @Test(arguments: [0, 2], InstructionSet.trained)
  func `more k than one cut, and more columns than one block, are multiplied`(
    elements: Int, instructions: InstructionSet
  ) throws {
    for (m, n, k) in [(3, 5, 40_000), (2, 2300, 520)] {
      for (layout, accumulates) in [((false, false), true), ((true, true), false)] {
        #expect(
          try check(
            m: m, outputs: [n], k: k, Self.elements[elements], layout, accumulates: accumulates,
            instructions) == nil, "\(m) × \(n) × \(k)")
      }
    }
  }
}

extension Threaded {
  /// Who computes a row, and what else is computed, changes no bit of it.
  struct GemmBitsTests {
    private static let (m, n, k) = (401, 83, 3000)

    /// The first rows of a product, by the number of rows and of threads.
    private func product(
      rows: Int, threads: Int, k: Int, _ element: Gemm.Element, isTransposed: Bool,
      _ instructions: InstructionSet
    ) throws -> [UInt32] {
      let ledger = try MemoryLedger()
      let type: ElementType =
        if case .stored(let format) = element { format.elementType } else { .fp32 }
      let a = try ledger.drawn([k, Self.m], type, seed: 1)
      let b = try ledger.drawn([Self.n, k], type, seed: 2)
      let c = try ledger.tensor(.fp32, [rows, Self.n], .activations)
      let gemm = try Gemm(
        [Gemm.Shape(n: Self.n, k: k)], instructions: instructions,
        Execution(ledger: ledger, pool: try makePool(threads: threads)))
      gemm.multiply(
        Gemm.Matrix(
          a.start, stride: isTransposed ? Self.m : k, isTransposed: isTransposed,
          element: element),
        rows: rows, k: k,
        Gemm.Output(Gemm.Matrix(b.start, stride: k, element: element), n: Self.n, to: c.floats))
      return (0..<c.count).map { c[$0].bitPattern }
    }

    @Test(
      arguments: [Gemm.Element.stored(.fp32), .stored(.bf16), .rounded(to: .fp16)],
      InstructionSet.trained)
    func `a row's bits do not depend on the rows beside it`(
      element: Gemm.Element, instructions: InstructionSet
    ) throws {
      for isTransposed in [false, true] {
        let all = try product(
          rows: Self.m, threads: 1, k: 300, element, isTransposed: isTransposed, instructions)
        for rows in 1...40 {
          let few = try product(
            rows: rows, threads: 1, k: 300, element, isTransposed: isTransposed, instructions)
          #expect(few == Array(all[..<few.count]), "\(rows) rows")
        }
      }
    }

    @Test(arguments: [2, 3, 4, 7], InstructionSet.trained)
    func `bits do not depend on the threads`(threads: Int, instructions: InstructionSet) throws {
      for rows in [1, 15, 401] {
        func bits(_ threads: Int) throws -> [UInt32] {
          try product(
            rows: rows, threads: threads, k: Self.k, .stored(.fp32), isTransposed: true,
            instructions)
        }
        #expect(try bits(threads) == bits(1), "\(rows) rows")
      }
    }
  }
}
