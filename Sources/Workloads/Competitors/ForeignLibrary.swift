import Glibc
import Synchronization

/// A library of others that is looked for when it is first asked for, and never needed.
package enum ForeignLibrary: String, CaseIterable, Sendable {
  case openblas
  case mkl
  case onednn

  /// Why this machine lacks it, if it does, and what brings it.
  package var missing: String? {
    switch Self.loaded(self) {
    case .success: nil
    case .failure(let absence): absence.reason
    }
  }

  /// The variable that holds a path to it, where it lies outside the system's folders.
  package var variable: String { "HEADROOM_" + rawValue.uppercased() }

  private var names: [String] {
    switch self {
    case .openblas: ["libopenblas.so.0", "libopenblas.so"]
    case .mkl: ["libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so"]
    case .onednn: ["libdnnl.so.3"]
    }
  }

  private var origin: String {
    switch self {
    case .openblas: "Debian's libopenblas0-pthread brings it"
    case .mkl: "PyPI's mkl brings it, in the lib folder of its virtual environment"
    case .onednn:
      "PyPI's onednn-cpu-gomp brings it, in the lib folder of its virtual environment"
    }
  }

  struct Absence: Error {
    let reason: String
  }

  func handle() throws -> Handle { try Self.loaded(self).get() }

  /// An open library, never closed: its threads may outlive its last call.
  struct Handle: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer
    let library: ForeignLibrary

    fileprivate init(_ pointer: UnsafeMutableRawPointer, _ library: ForeignLibrary) {
      self.pointer = pointer
      self.library = library
    }

    /// A function by its name; a wrong type is undefined behaviour.
    func function<F>(_ name: String, as type: F.Type) throws -> F {
      guard let symbol = dlsym(pointer, name) else {
        throw Absence(reason: "\(library.rawValue) has no function \(name)")
      }
      return unsafeBitCast(symbol, to: type)
    }
  }

  private static let cache = Mutex<[ForeignLibrary: Result<Handle, Absence>]>([:])

  private static func loaded(_ library: ForeignLibrary) -> Result<Handle, Absence> {
    cache.withLock { cache in
      if let known = cache[library] { return known }
      let result = library.open()
      cache[library] = result
      return result
    }
  }

  private func open() -> Result<Handle, Absence> {
    // A millisecond of waiting and then sleep: idle threads must leave the others' turns alone.
    setenv("KMP_BLOCKTIME", "1", 0)
    setenv("GOMP_SPINCOUNT", "300000", 0)
    // Empty, as a matrix of a CI server leaves it, is not set.
    let given = getenv(variable).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    var refusal = ""
    for name in given.map({ [$0] }) ?? names {
      if let pointer = dlopen(name, RTLD_NOW | RTLD_GLOBAL) {
        let handle = Handle(pointer, self)
        if let reason = unfit(handle) { return .failure(Absence(reason: reason)) }
        return .success(handle)
      }
      // The loader's own reason; of a name that is nowhere, there is nothing to add.
      let words = dlerror().map { String(cString: $0) } ?? "no reason is known"
      if given != nil || !words.hasPrefix("\(name): cannot open shared object file") {
        refusal = words
      }
    }
    if let given {
      let isThere = access(given, F_OK) == 0
      return .failure(
        Absence(
          reason: "\(variable) is \(given), which cannot be loaded: \(refusal)"
            + (isThere ? "" : "; \(origin)")))
    }
    return .failure(
      Absence(
        reason: refusal.isEmpty
          ? "no \(names[0]) was found: \(origin); \(variable) may hold its path"
          : "\(names[0]) cannot be loaded: \(refusal)"))
  }

  /// Why a build of it cannot be used.
  private func unfit(_ handle: Handle) -> String? {
    guard self == .onednn else { return nil }
    guard let version = try? handle.oneDNNVersion(), version.major >= 3 else {
      return "this oneDNN is older than version 3: \(origin)"
    }
    return version.runtime == OneDNN.syclRuntime
      ? "this oneDNN is built for SYCL, whose threads are not ours to set: \(origin)" : nil
  }
}
