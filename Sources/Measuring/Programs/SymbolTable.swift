import CLibdw
import Glibc
import Quantities
package import Records

/// Names addresses of a program that may have ended: the objects that it had mapped are read again.
///
/// One session reads the files' symbols and line tables as they are asked for, so it is made where it is
/// used and kept no longer.
package final class SymbolTable {
  private let callbacks: UnsafeMutablePointer<Dwfl_Callbacks>
  private let session: OpaquePointer?
  private let mappings: [HeapProfile.Mapping]
  private var known: [UInt64: ProgramFrame] = [:]
  /// Looks into units that may still be made: a program of many without an index would take minutes.
  private var unitsLeft = 1_000_000

  package init(_ mappings: [HeapProfile.Mapping]) {
    // Else libdw may ask a server for what is not here.
    unsetenv("DEBUGINFOD_URLS")
    let mappings = mappings.filter { !$0.path.isEmpty }.sorted { $0.start < $1.start }
    self.mappings = mappings
    let callbacks = UnsafeMutablePointer<Dwfl_Callbacks>.allocate(capacity: 1)
    self.callbacks = callbacks
    callbacks.initialize(
      to: Dwfl_Callbacks(
        find_elf: dwfl_build_id_find_elf, find_debuginfo: dwfl_standard_find_debuginfo,
        section_address: dwfl_offline_section_address, debuginfo_path: nil))
    session = dwfl_begin(callbacks)
    guard let session else { return }
    dwfl_report_begin(session)
    for object in Self.objects(mappings) {
      // Where an object was mapped is where its first segment lies.
      _ = dwfl_report_elf(session, object.path, object.path, -1, object.start, false)
    }
    _ = dwfl_report_end(session, nil, nil)
  }

  deinit {
    if let session { dwfl_end(session) }
    callbacks.deallocate()
  }

  /// Whose code runs when a call has not yet returned to an address.
  ///
  /// The call itself lies before it: the address may belong to the next line, or, after a call that
  /// never returns, to the next function.
  package func frame(returningTo address: UInt64) -> ProgramFrame {
    let call = address > 0 ? address - 1 : 0
    if let frame = known[call] { return frame }
    let frame = look(up: call)
    known[call] = frame
    return frame
  }

  /// The objects of which code is mapped, each with the address of its beginning.
  ///
  /// A file may be mapped as mere data, too, as by who reads its symbols: its beginning as a program is
  /// the nearest before its code.
  ///
  /// - Parameter mappings: by their addresses.
  package static func objects(_ mappings: [HeapProfile.Mapping]) -> [Object] {
    var beginnings: [String: UInt64] = [:]
    var found: [Object] = []
    var seen: Set<String> = []
    for mapping in mappings where mapping.path.hasPrefix("/") {
      if mapping.offset == 0 { beginnings[mapping.path] = mapping.start }
      guard mapping.isExecutable, let start = beginnings[mapping.path],
        seen.insert(mapping.path).inserted
      else { continue }
      found.append(Object(path: mapping.path, start: start))
    }
    return found
  }

  package struct Object: Hashable, Sendable {
    package let path: String
    package let start: UInt64

    package init(path: String, start: UInt64) {
      self.path = path
      self.start = start
    }
  }

  private func look(up address: UInt64) -> ProgramFrame {
    guard let mapping = mapping(of: address) else {
      return ProgramFrame(function: nil, object: "unmapped")
    }
    let object = mapping.path.split(separator: "/").last.map(String.init) ?? mapping.path
    guard let session, let module = dwfl_addrmodule(session, address) else {
      return ProgramFrame(function: nil, object: object)
    }
    return ProgramFrame(
      function: Self.function(at: address, in: module), object: object,
      source: source(of: address, in: module))
  }

  private func mapping(of address: UInt64) -> HeapProfile.Mapping? {
    mappings.last { $0.start <= address && address < $0.end }
  }

  /// The nearest symbol before an address is no answer where the address lies behind its end: objects
  /// without a full table name few of their functions.
  private static func function(at address: UInt64, in module: OpaquePointer) -> String? {
    var offset: GElf_Off = 0
    var symbol = GElf_Sym()
    guard
      let name = dwfl_module_addrinfo(module, address, &offset, &symbol, nil, nil, nil),
      symbol.st_size == 0 || offset < symbol.st_size
    else { return nil }
    return Demangler.demangled(String(cString: name))
  }

  private func source(of address: UInt64, in module: OpaquePointer) -> String? {
    guard let line = dwfl_module_getsrc(module, address) else {
      return sourceWithoutIndex(of: address, in: module)
    }
    var number: Int32 = 0
    guard let name = dwfl_lineinfo(line, nil, &number, nil, nil, nil) else { return nil }
    return Self.place(name, number)
  }

  /// Some compilers, Clang among them, write no index of addresses (`.debug_aranges`): each unit is then
  /// asked whether it holds the address.
  private func sourceWithoutIndex(of address: UInt64, in module: OpaquePointer) -> String? {
    var bias: Dwarf_Addr = 0
    var unit = dwfl_module_nextcu(module, nil, &bias)
    while let current = unit, unitsLeft > 0 {
      unitsLeft -= 1
      if dwarf_haspc(current, address &- bias) == 1 {
        guard let line = dwarf_getsrc_die(current, address &- bias),
          let name = dwarf_linesrc(line, nil, nil)
        else { return nil }
        var number: Int32 = 0
        return dwarf_lineno(line, &number) == 0
          ? Self.place(name, number) : Self.place(name, 0)
      }
      unit = dwfl_module_nextcu(module, current, &bias)
    }
    return nil
  }

  /// Nothing for code that no file holds: `<compiler-generated>`.
  private static func place(_ name: UnsafePointer<CChar>, _ line: Int32) -> String? {
    let file = String(cString: name)
    if file.hasSuffix(">") { return nil }
    return line > 0 ? "\(file):\(line)" : file
  }
}
