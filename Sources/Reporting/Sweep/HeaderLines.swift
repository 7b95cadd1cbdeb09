import Quantities
import Records

extension Machine {
  /// `Intel Xeon, 8 cores, 64 GiB class`: one line for a report's head.
  var line: String {
    let threads = threadsPerCore > 1 ? " × \(threadsPerCore) threads" : ""
    let model = cpuModel.isEmpty ? "unnamed processor" : cpuModel
    return "\(model) (\(cpuStepping)), \(counted(visibleCores, "core"))"
      + "\(threads), \(memoryClass) class, \(operatingSystem), Linux \(kernelMinor)"
  }
}

extension Machine.Cache {
  /// `L2 2.00 MiB` and who shares it.
  var line: String {
    let letter = kind == "data" ? "d" : kind == "instruction" ? "i" : ""
    return "L\(level)\(letter) \(size)" + (sharedBy > 1 ? " shared by \(sharedBy)" : "")
  }
}

extension Build {
  /// `0.1.0, commit 1a2b3c (with changes), Swift 6.3, -O, tcmalloc`
  var line: String {
    let commit =
      switch commit {
      case .measured(let commit): "commit \(commit)"
      case .unavailable(let reason): "commit unavailable (\(reason))"
      }
    let changes = dirty == true ? " (with changes)" : ""
    return "\(version), \(commit)\(changes), \(toolchain), \(flags), \(allocator)"
  }
}
