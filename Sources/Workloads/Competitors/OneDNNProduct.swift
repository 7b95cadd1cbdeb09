import Quantities

/// A · Bᵀ by oneDNN; weights in the layout that it asks for.
final class OneDNNProduct: LibraryProduct {
  let version: String
  let packedBytes: Bytes
  let workspaceBytes: Bytes
  private let shape: ProductShape
  private let threads: Int
  private let calls: Calls
  private let matmul: OpaquePointer
  private let plain: Descriptions
  private let weights: OpaquePointer
  private var operands: [OneDNN.Operand] = []
  private var primitive: OpaquePointer?
  private var rounding: Rounding?

  /// How operands lie, as they are given.
  private struct Descriptions {
    let a, b, c, columnScales: OpaquePointer
  }

  private struct Rounding {
    let rows: RoundedRows
    let a: UnsafeRawPointer
    let c: UnsafeMutableRawPointer
  }

  init(_ shape: ProductShape, _ handle: ForeignLibrary.Handle, threads: Int) throws {
    self.shape = shape
    self.threads = threads
    calls = try Calls(handle)
    let element: OneDNN.Element =
      switch shape.elements {
      case .float(.fp32): .fp32
      case .float(.bf16): .bf16
      case .bytes: .signedByte
      case .float(.fp16): .fp16
      }
    calls.setThreads(threads)
    let (m, n, k) = (shape.m, shape.n, shape.k)
    plain = Descriptions(
      a: try calls.description([m, k], element, .rowMajor),
      b: try calls.description([k, n], element, .columnMajor),
      c: try calls.description([m, n], .fp32, .rowMajor),
      columnScales: try calls.description([n], .fp32, .vector))
    let attributes =
      shape.elements == .bytes ? try calls.scaling() : nil
    matmul = try calls.matmul(
      plain.a, calls.description([k, n], element, .any), plain.c, attributes)
    weights = try calls.weights(of: matmul)
    packedBytes = Bytes(calls.size(weights))
    workspaceBytes = shape.elements == .bytes ? RoundedRows.bytes(shape) : .zero
    version = "oneDNN \(calls.version), \(calls.implementation(of: matmul))"
  }

  func bind(_ memory: ProductMemory) throws {
    guard let packed = memory.packed else { return }
    calls.setThreads(threads)
    let to = try calls.memory(weights, packed)
    try calls.reorder(from: plain.b, memory.b, to: weights, to)
    var a = memory.a
    if let workspace = memory.workspace {
      let rows = RoundedRows(shape, at: workspace, zero: 0)
      rounding = Rounding(rows: rows, a: memory.a, c: memory.c)
      a = UnsafeMutableRawPointer(rows.bytes)
    }
    if let scales = memory.scales { try add(.weightScales, plain.columnScales, scales) }
    try add(.source, plain.a, a)
    operands.append(.init(argument: OneDNN.Argument.weights.rawValue, memory: to))
    try add(.destination, plain.c, memory.c)
    let primitive = try calls.primitive(matmul)
    try Calls.expect(calls.execute(primitive, operands))
    self.primitive = primitive
  }

  private func add(
    _ argument: OneDNN.Argument, _ description: OpaquePointer, _ place: UnsafeMutableRawPointer
  ) throws {
    operands.append(
      .init(argument: argument.rawValue, memory: try calls.memory(description, place)))
  }

  func run() {
    guard let primitive else { return }
    if let rounding { rounding.rows.round(rounding.a) }
    calls.execute(primitive, operands)
    // Scales of rows among its own ones make it fall back to its slow reference.
    if let rounding { rounding.rows.scale(rounding.c) }
  }
}

extension OneDNNProduct {
  /// The library's functions with one engine and one stream, which live as long as the process:
  /// a product is made once in it, and what it made is the library's to the end.
  struct Calls {
    let version: String
    let setThreads: (Int) -> Void
    private let handle: ForeignLibrary.Handle
    private let engine: OpaquePointer
    private let stream: OpaquePointer
    private let executePrimitive: OneDNN.Execute
    private let wait: OneDNN.Destroy

    init(_ handle: ForeignLibrary.Handle) throws {
      self.handle = handle
      let version = try handle.oneDNNVersion()
      self.version = "\(version.major).\(version.minor).\(version.patch)"
      engine = try Self.make("an engine") {
        try handle.function("dnnl_engine_create", as: OneDNN.MakeEngine.self)(
          $0, OneDNN.processor, 0)
      }
      let engine = engine
      stream = try Self.make("a stream") {
        try handle.function("dnnl_stream_create", as: OneDNN.MakeStream.self)(
          $0, engine, OneDNN.inOrder)
      }
      executePrimitive = try handle.function(
        "dnnl_primitive_execute", as: OneDNN.Execute.self)
      wait = try handle.function("dnnl_stream_wait", as: OneDNN.Destroy.self)
      // Its threads are OpenMP's, where it is built so; others count the thread's processors.
      let set = try? handle.function("omp_set_num_threads", as: OneDNN.SetThreads.self)
      setThreads = { set?(Int32($0)) }
    }

    static func expect(_ status: Int32) throws {
      guard status == 0 else {
        throw ForeignLibrary.Absence(reason: "oneDNN refuses its own product (error \(status))")
      }
    }

    private static func make(
      _ what: String, _ call: (UnsafeMutablePointer<OpaquePointer?>) throws -> Int32
    ) throws -> OpaquePointer {
      var made: OpaquePointer?
      let status = try call(&made)
      guard status == 0, let made else {
        let reason =
          status == 3
          ? "oneDNN has no \(what) on this processor" : "oneDNN makes no \(what) (error \(status))"
        throw ForeignLibrary.Absence(reason: reason)
      }
      return made
    }

    func description(
      _ sizes: [Int], _ element: OneDNN.Element, _ layout: OneDNN.Layout
    ) throws -> OpaquePointer {
      let create = try handle.function(
        "dnnl_memory_desc_create_with_tag", as: OneDNN.MakeDescription.self)
      // An array of 12, of which the first count.
      let all = sizes.map(Int64.init) + [Int64](repeating: 0, count: 12 - sizes.count)
      return try Self.make("description") {
        create($0, Int32(sizes.count), all, element.rawValue, layout.rawValue)
      }
    }

    func size(_ description: OpaquePointer) -> Int {
      let size = try? handle.function("dnnl_memory_desc_get_size", as: OneDNN.GetSize.self)
      return size?(description) ?? 0
    }

    func memory(
      _ description: OpaquePointer, _ place: UnsafeMutableRawPointer
    ) throws -> OpaquePointer {
      let create = try handle.function("dnnl_memory_create", as: OneDNN.MakeMemory.self)
      return try Self.make("memory") { create($0, description, engine, place) }
    }

    /// Scales of B's columns.
    func scaling() throws -> OpaquePointer {
      let attributes = try Self.make("attributes") {
        try handle.function("dnnl_primitive_attr_create", as: OneDNN.Make.self)($0)
      }
      try Self.expect(
        try handle.function("dnnl_primitive_attr_set_scales_mask", as: OneDNN.SetScales.self)(
          attributes, OneDNN.Argument.weights.rawValue, 2))
      return attributes
    }

    func matmul(
      _ a: OpaquePointer, _ b: OpaquePointer, _ c: OpaquePointer, _ attributes: OpaquePointer?
    ) throws -> OpaquePointer {
      let describe = try handle.function(
        "dnnl_matmul_primitive_desc_create", as: OneDNN.DescribeMatmul.self)
      return try Self.make("such product") { describe($0, engine, a, b, nil, c, attributes) }
    }

    func weights(of matmul: OpaquePointer) throws -> OpaquePointer {
      let query = try handle.function(
        "dnnl_primitive_desc_query_md", as: OneDNN.QueryDescription.self)
      return try Self.make("layout of weights") {
        $0.pointee = query(matmul, OneDNN.queryWeights, 0)
        return 0
      }
    }

    func implementation(of matmul: OpaquePointer) -> String {
      var name: UnsafePointer<CChar>?
      let query = try? handle.function("dnnl_primitive_desc_query", as: OneDNN.Query.self)
      _ = query?(matmul, OneDNN.queryImplementation, 0, &name)
      return name.map { String(cString: $0) } ?? "unnamed"
    }

    func primitive(_ description: OpaquePointer) throws -> OpaquePointer {
      let create = try handle.function("dnnl_primitive_create", as: OneDNN.MakePrimitive.self)
      return try Self.make("primitive") { create($0, description) }
    }

    func reorder(
      from: OpaquePointer, _ source: UnsafeMutableRawPointer, to: OpaquePointer,
      _ destination: OpaquePointer
    ) throws {
      let describe = try handle.function(
        "dnnl_reorder_primitive_desc_create", as: OneDNN.DescribeReorder.self)
      let reorder = try Self.make("such reordering") { describe($0, from, engine, to, engine, nil) }
      let status = execute(
        try primitive(reorder),
        [
          .init(
            argument: OneDNN.Argument.source.rawValue, memory: try memory(from, source)),
          .init(argument: OneDNN.Argument.destination.rawValue, memory: destination),
        ])
      try Self.expect(status)
    }

    /// 0, or the library's error.
    @discardableResult
    func execute(_ primitive: OpaquePointer, _ operands: [OneDNN.Operand]) -> Int32 {
      let status = operands.withUnsafeBytes { bytes -> Int32 in
        guard let start = bytes.baseAddress else { return 0 }
        return executePrimitive(primitive, stream, Int32(operands.count), start)
      }
      return status == 0 ? wait(stream) : status
    }
  }
}

extension ForeignLibrary.Handle {
  func oneDNNVersion() throws -> OneDNN.Version {
    let version = try function("dnnl_version", as: OneDNN.GetVersion.self)()
    guard let version else { throw ForeignLibrary.Absence(reason: "oneDNN has no version") }
    return version.load(as: OneDNN.Version.self)
  }
}
