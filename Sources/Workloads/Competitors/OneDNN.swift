/// The C interface of oneDNN 3, as far as a product of matrices needs it.
///
/// - Source: UXL Foundation, "oneDNN Documentation", version 3: Basic Concepts, Matrix
///   Multiplication, and the enumerations of dnnl_types.h.
enum OneDNN {
  static let processor: Int32 = 1
  static let inOrder: UInt32 = 1
  static let queryImplementation: Int32 = 8
  static let queryWeights: Int32 = 131
  /// A build whose threads belong to an OpenCL runtime.
  static let syclRuntime: UInt32 = 512

  enum Element: Int32 {
    case fp16 = 1
    case bf16 = 2
    case fp32 = 3
    case signedByte = 5
  }

  enum Layout: Int32 {
    case any = 1
    case vector = 2
    case rowMajor = 3
    case columnMajor = 14
  }

  enum Argument: Int32 {
    case source = 1
    case destination = 17
    case weights = 33
    case weightScales = 4129
  }

  /// One operand of a call, as C lays it out.
  struct Operand {
    let argument: Int32
    let memory: OpaquePointer
  }

  struct Version {
    let major, minor, patch: Int32
    let hash: UnsafePointer<CChar>?
    let runtime, acceleratorRuntime: UInt32
  }

  typealias GetVersion = @convention(c) () -> UnsafeRawPointer?
  typealias Make = @convention(c) (UnsafeMutablePointer<OpaquePointer?>) -> Int32
  typealias Destroy = @convention(c) (OpaquePointer) -> Int32
  /// kind, index
  typealias MakeEngine = @convention(c) (UnsafeMutablePointer<OpaquePointer?>, Int32, Int) -> Int32
  typealias MakeStream =
    @convention(c) (UnsafeMutablePointer<OpaquePointer?>, OpaquePointer, UInt32) -> Int32
  /// dimensions, their sizes, element, layout
  typealias MakeDescription =
    @convention(c) (
      UnsafeMutablePointer<OpaquePointer?>, Int32, UnsafePointer<Int64>, Int32, Int32
    ) -> Int32
  typealias GetSize = @convention(c) (OpaquePointer) -> Int
  /// description, engine, place
  typealias MakeMemory =
    @convention(c) (
      UnsafeMutablePointer<OpaquePointer?>, OpaquePointer, OpaquePointer, UnsafeMutableRawPointer
    ) -> Int32
  /// attributes, argument, mask of dimensions
  typealias SetScales = @convention(c) (OpaquePointer, Int32, Int32) -> Int32
  /// engine, A, B, bias, C, attributes
  typealias DescribeMatmul =
    @convention(c) (
      UnsafeMutablePointer<OpaquePointer?>, OpaquePointer, OpaquePointer, OpaquePointer,
      OpaquePointer?, OpaquePointer, OpaquePointer?
    ) -> Int32
  /// from, its engine, to, its engine, attributes
  typealias DescribeReorder =
    @convention(c) (
      UnsafeMutablePointer<OpaquePointer?>, OpaquePointer, OpaquePointer, OpaquePointer,
      OpaquePointer, OpaquePointer?
    ) -> Int32
  typealias MakePrimitive =
    @convention(c) (UnsafeMutablePointer<OpaquePointer?>, OpaquePointer) -> Int32
  typealias Query =
    @convention(c) (OpaquePointer, Int32, Int32, UnsafeMutableRawPointer) -> Int32
  typealias QueryDescription = @convention(c) (OpaquePointer, Int32, Int32) -> OpaquePointer?
  typealias Execute =
    @convention(c) (OpaquePointer, OpaquePointer, Int32, UnsafeRawPointer) -> Int32
  typealias SetThreads = @convention(c) (Int32) -> Void
}
