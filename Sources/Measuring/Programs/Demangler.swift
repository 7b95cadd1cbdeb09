import Glibc

/// Names as they were written, where the libraries of this process can tell; else as they are.
enum Demangler {
  static func demangled(_ name: String) -> String {
    if ["$s", "$S", "_$s", "_$S", "_T0"].contains(where: name.hasPrefix) {
      return swiftName(name) ?? name
    }
    return name.hasPrefix("_Z") ? itaniumName(name) ?? name : name
  }

  private typealias Swift =
    @convention(c) (
      UnsafePointer<CChar>?, Int, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?, UInt32
    ) -> UnsafeMutablePointer<CChar>?

  private static func swiftName(_ name: String) -> String? {
    guard let function = dlsym(nil, "swift_demangle") else { return nil }
    return taken(unsafeBitCast(function, to: Swift.self)(name, name.utf8.count, nil, nil, 0))
  }

  private typealias Itanium =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?,
      UnsafeMutablePointer<Int32>?
    ) -> UnsafeMutablePointer<CChar>?

  /// C++'s, by the runtime's own interface.
  private static func itaniumName(_ name: String) -> String? {
    guard let function = dlsym(nil, "__cxa_demangle") else { return nil }
    var status: Int32 = 0
    return taken(unsafeBitCast(function, to: Itanium.self)(name, nil, nil, &status))
  }

  private static func taken(_ text: UnsafeMutablePointer<CChar>?) -> String? {
    guard let text else { return nil }
    defer { free(text) }
    return String(cString: text)
  }
}
