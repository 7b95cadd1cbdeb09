import CMicrokernels
package import Quantities

/// Products of two matrices, either of which may be stored transposed; both are packed within the call, since
/// a training step has changed them by the next.
///
///     c[i, j] (+)= Σ a[i, l] · b[j, l]
///
/// - Shapes: `a` is m × k, or stored k × m; `b` is n × k, or stored k × n; `c` is m × n in fp32. A forward pass
///   multiplies x with weights as they are stored; the gradient of its inputs, dy with weights transposed; that
///   of the weights, dy transposed with x transposed.
/// - Work: 2·m·n·k flops; reads `a` and `b` once, writes `c` once.
/// - Error: k roundings of products and k of sums in fp32. The order of a sum follows from k and this machine's
///   caches alone: neither threads nor the rows beside a row change its bits.
/// - Source: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
package final class Gemm: ParallelTask {
  private let instructions: InstructionSet
  private let pool: ThreadPool
  /// Packed panels of `b`, which all threads read; and each thread's packed rows of `a`.
  private let panels: Allocation
  private let rowBlocks: Allocation
  private let rowBytes: Int

  private var call = Call()
  private var phase = Phase.packing

  private enum Phase {
    case packing
    case multiplying
  }

  /// How numbers are stored, and what becomes of them before they are multiplied.
  package enum Element: Hashable, Sendable {
    case stored(FloatFormat)
    /// In fp32, and rounded on their way.
    case rounded(to: FloatFormat)

    func bytes(of count: Int) -> Bytes {
      switch self {
      case .stored(let format): format.bytes(of: count)
      case .rounded: FloatFormat.fp32.bytes(of: count)
      }
    }

    var loops: hr_element {
      switch self {
      case .stored(let format): format.stored
      case .rounded(to: .fp32): HR_FP32
      case .rounded(to: .fp16): HR_ROUNDED_FP16
      case .rounded(to: .bf16): HR_ROUNDED_BF16
      }
    }
  }

  /// A matrix in memory.
  package struct Matrix {
    let start: UnsafeRawPointer
    /// Elements from one stored row to the next.
    let stride: Int
    let isTransposed: Bool
    let element: Element

    /// - Parameter isTransposed: whether rows of the matrix are columns in memory.
    package init(
      _ start: UnsafeRawPointer, stride: Int, isTransposed: Bool = false,
      element: Element = .stored(.fp32)
    ) {
      self.start = start
      self.stride = stride
      self.isTransposed = isTransposed
      self.element = element
    }

    /// Where the part of a row from `column` on begins.
    func place(row: Int, column: Int) -> UnsafeRawPointer {
      let index = isTransposed ? column * stride + row : row * stride + column
      return start + element.bytes(of: index).count
    }
  }

  /// One of the products that share `a`.
  package struct Output {
    let b: Matrix
    let n: Int
    let c: UnsafeMutablePointer<Float>
    let stride: Int
    let accumulates: Bool

    /// - Parameters:
    ///   - stride: floats from one row of `c` to the next; n, where it is left out.
    ///   - accumulates: whether the product is added to what `c` holds.
    package init(
      _ b: Matrix, n: Int, to c: UnsafeMutablePointer<Float>, stride: Int? = nil,
      accumulates: Bool = false
    ) {
      self.b = b
      self.n = n
      self.c = c
      self.stride = stride ?? n
      self.accumulates = accumulates
    }
  }

  /// What a workspace is for: n is that of all outputs together, each rounded up to whole panels.
  package struct Shape: Hashable, Sendable {
    let n: [Int]
    let k: Int

    package init(n: Int..., k: Int) {
      self.n = n
      self.k = k
    }
  }

  /// The products that are under way.
  private struct Call {
    var m = 0
    var a: Matrix?
    var outputs: [Output] = []
    var loops = hr_gemm_kernels()
    /// A part of k, and the panels of all outputs that are packed of it.
    var cut = 0..<0
    var block = 0..<0
    var rows = 0
    /// Parts that rows, and panels, are divided into.
    var rowParts = 1
    var columnParts = 1
  }

  /// - Parameter shapes: of all products that it will be asked for.
  /// - Throws: `LedgerFault` where the workspace does not fit.
  package init(_ shapes: [Shape], instructions: InstructionSet, _ execution: Execution) throws {
    self.instructions = instructions
    pool = execution.pool
    let sizes = Self.sizes(shapes, instructions)
    rowBytes = sizes.rows
    panels = try execution.ledger.allocate(Bytes(sizes.panels), role: .workspace)
    rowBlocks = try execution.ledger.allocate(
      Bytes(rowBytes * execution.threads), role: .workspace)
  }

  /// Bytes of the workspace for these products on so many threads.
  package static func workspaceBytes(
    _ shapes: [Shape], instructions: InstructionSet, threads: Int
  ) -> Bytes {
    let sizes = sizes(shapes, instructions)
    return Bytes(sizes.panels + sizes.rows * threads)
  }

  /// Bytes of the panels, and of a thread's rows.
  private static func sizes(_ shapes: [Shape], _ instructions: InstructionSet) -> (
    panels: Int, rows: Int
  ) {
    let loops = instructions.gemm(.stored(.fp32), .stored(.fp32))
    var (panelBytes, rowBytes) = (0, 0)
    for shape in shapes {
      let cutting = Cutting(
        loops, panels: shape.n.reduce(0) { $0 + loops.panels(of: $1) }, k: shape.k)
      panelBytes = max(panelBytes, cutting.panels * loops.panelBytes(kCount: cutting.kCount))
      rowBytes = max(rowBytes, cutting.rows * cutting.kCount * 4)
    }
    // Tiles of columns are stored a vector at a time.
    return (panelBytes, roundUp(rowBytes + 64, to: 64))
  }

  /// How k, panels and rows are cut: as `Matmul.Blocking`, but from k and the machine alone.
  private struct Cutting {
    let kCount: Int
    /// Panels that are packed at once: 4 MiB of them, which a last-level cache holds.
    let panels: Int
    /// Rows of `a` that a thread packs at once.
    let rows: Int

    init(_ loops: hr_gemm_kernels, panels all: Int, k: Int, caches: CacheSizes = .current) {
      let most = max(8, caches.l2.count / 8 / (4 * Int(loops.tile_columns)))
      let cuts = (k + most - 1) / most
      kCount = min(k, roundUp((k + cuts - 1) / cuts, to: 8))
      panels = max(1, min(all, (4 << 20) / loops.panelBytes(kCount: kCount)))
      let tileRows = Int(loops.tile_rows)
      rows = max(tileRows, caches.l2.count * 5 / 8 / (kCount * 4) / tileRows * tileRows)
    }
  }

  /// One product.
  package func multiply(_ a: Matrix, rows m: Int, k: Int, _ output: Output) {
    multiply(a, rows: m, k: k, [output])
  }

  /// Products of the same rows with several matrices: rows are packed once for all.
  package func multiply(_ a: Matrix, rows m: Int, k: Int, _ outputs: [Output]) {
    guard m > 0, k > 0, let first = outputs.first else { return }
    precondition(
      outputs.allSatisfy { $0.b.element == first.b.element }, "products of one kind of weights")
    let loops = instructions.gemm(a.element, first.b.element)
    let all = outputs.reduce(0) { $0 + loops.panels(of: $1.n) }
    let cutting = Cutting(loops, panels: all, k: k)
    call.m = m
    call.a = a
    call.outputs = outputs
    call.loops = loops
    call.rows = cutting.rows
    let flops = 2.0 * Double(m) * Double(k) * Double(all * Int(loops.tile_columns))
    for from in stride(from: 0, to: all, by: cutting.panels) {
      call.block = from..<min(all, from + cutting.panels)
      choose(parts: flops < 200_000 ? 1 : pool.threads)
      for start in stride(from: 0, to: k, by: cutting.kCount) {
        call.cut = start..<min(k, start + cutting.kCount)
        go(.packing)
        go(.multiplying)
      }
    }
  }

  /// The grid of parts whose largest part has the fewest tiles; of equals, that with the most parts of rows,
  /// which pack no row twice.
  private func choose(parts: Int) {
    let tiles = (call.m + Int(call.loops.tile_rows) - 1) / Int(call.loops.tile_rows)
    var best = Int.max
    for rowParts in (1...parts).reversed() where parts % rowParts == 0 {
      let columnParts = parts / rowParts
      let largest =
        ((tiles + rowParts - 1) / rowParts)
        * ((call.block.count + columnParts - 1) / columnParts)
      guard largest < best else { continue }
      best = largest
      (call.rowParts, call.columnParts) = (rowParts, columnParts)
    }
  }

  private func go(_ phase: Phase) {
    self.phase = phase
    if call.rowParts * call.columnParts == 1 { run(part: 0, of: 1) } else { pool.run(self) }
  }

  package func run(part: Int, of parts: Int) {
    switch phase {
    case .packing:
      for index in split(call.block.count, part: part, of: parts) { pack(panel: index) }
    case .multiplying:
      let tileRows = Int(call.loops.tile_rows)
      let tiles = split(
        (call.m + tileRows - 1) / tileRows, part: part / call.columnParts, of: call.rowParts)
      let columns = split(
        call.block.count, part: part % call.columnParts, of: call.columnParts)
      guard !tiles.isEmpty, !columns.isEmpty else { return }
      multiply(
        tiles.lowerBound * tileRows..<min(call.m, tiles.upperBound * tileRows), columns,
        part: part)
    }
  }

  /// Which output a panel of the block is of, and from which column on.
  private func place(of panel: Int) -> (output: Output, column: Int)? {
    var index = call.block.lowerBound + panel
    for output in call.outputs {
      let count = call.loops.panels(of: output.n)
      if index < count { return (output, index * Int(call.loops.tile_columns)) }
      index -= count
    }
    return nil
  }

  private func start(of panel: Int) -> UnsafeMutableRawPointer {
    panels.start + panel * call.loops.panelBytes(kCount: call.cut.count)
  }

  private func pack(panel: Int) {
    guard let (output, column) = place(of: panel) else { return }
    let columns = min(Int(call.loops.tile_columns), output.n - column)
    let pack = output.b.isTransposed ? call.loops.pack_b_columns : call.loops.pack_b_rows
    pack?(
      output.b.place(row: column, column: call.cut.lowerBound), Int64(output.b.stride),
      start(of: panel), Int64(call.cut.count), Int32(columns))
  }

  private func multiply(_ rows: Range<Int>, _ columns: Range<Int>, part: Int) {
    let packed = (rowBlocks.start + part * rowBytes).assumingMemoryBound(to: Float.self)
    let blocks = (rows.count + call.rows - 1) / call.rows
    for block in 0..<blocks {
      let held = split(rows.count, part: block, of: blocks)
      let first = rows.lowerBound + held.lowerBound
      pack(first..<first + held.count, into: packed)
      for panel in columns {
        guard let (output, column) = place(of: panel) else { continue }
        call.loops.multiply(
          packed, start(of: panel), output.c + first * output.stride + column,
          Int64(output.stride), Int64(call.loops.steps(kCount: call.cut.count)), Int32(held.count),
          Int32(min(Int(call.loops.tile_columns), output.n - column)),
          call.cut.lowerBound > 0 || output.accumulates ? 1 : 0, 1)
      }
    }
  }

  private func pack(_ rows: Range<Int>, into packed: UnsafeMutablePointer<Float>) {
    guard let a = call.a else { return }
    let tileRows = Int(call.loops.tile_rows)
    let pack = a.isTransposed ? call.loops.pack_a_columns : call.loops.pack_a_rows
    for index in 0..<(rows.count + tileRows - 1) / tileRows {
      let tile = Matmul.Blocking.tile(index, of: rows.count, tileRows: tileRows)
      pack?(
        a.place(row: rows.lowerBound + tile.lowerBound, column: call.cut.lowerBound),
        Int64(a.stride), packed + tile.lowerBound * call.loops.steps(kCount: call.cut.count),
        Int64(call.cut.count), Int32(tile.count))
    }
  }
}

extension Gemm.Matrix {
  /// The same elements, rows for columns.
  package var transposed: Gemm.Matrix {
    Gemm.Matrix(start, stride: stride, isTransposed: !isTransposed, element: element)
  }

  /// Without its first columns.
  package func columns(from first: Int) -> Gemm.Matrix {
    Gemm.Matrix(
      place(row: 0, column: first), stride: stride, isTransposed: isTransposed, element: element)
  }

  /// Without its first rows.
  package func rows(from first: Int) -> Gemm.Matrix {
    Gemm.Matrix(
      place(row: first, column: 0), stride: stride, isTransposed: isTransposed, element: element)
  }
}

extension hr_gemm_kernels {
  func panels(of n: Int) -> Int { (n + Int(tile_columns) - 1) / Int(tile_columns) }

  /// Steps of so many k.
  func steps(kCount: Int) -> Int { (kCount + Int(step) - 1) / Int(step) }

  /// Bytes of one packed panel of so many k.
  func panelBytes(kCount: Int) -> Int { steps(kCount: kCount) * Int(tile_columns) * 4 }
}
