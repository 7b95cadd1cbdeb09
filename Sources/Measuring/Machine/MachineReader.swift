package import Quantities
package import Records

/// Reads the fingerprint that makes times comparable.
///
/// Nothing in it is a reading: what a machine hides (a hypervisor may hide nearly all) is
/// `unknown`, and two machines that hide the same are taken for the same.
package struct MachineReader: Sendable {
  package let files: FileSource

  package init(files: FileSource = .system) { self.files = files }

  /// The extensions that kernels are chosen by, under the kernel's own names.
  ///
  /// Others are left out, since they come and go with a kernel's version and move no time.
  package static let knownInstructionSets: Set<String> = [
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2",
  ]

  /// - Parameter visibleCores: How many processors this process may run on, which no file says.
  package func read(
    visibleCores: Int, instructionSets: Set<String> = knownInstructionSets
  ) -> Machine {
    let processor = LabelledLines(files.text("/proc/cpuinfo") ?? "")
    let memory = LabelledLines(files.text("/proc/meminfo") ?? "")
    return Machine(
      cpuModel: cpuModel(processor),
      cpuStepping: cpuStepping(processor),
      visibleCores: visibleCores,
      threadsPerCore: threadsPerCore(processor),
      caches: caches,
      memoryClass: Self.memoryClass(of: memory.kibibytes("MemTotal") ?? .zero),
      operatingSystem: operatingSystem,
      kernelMinor: kernelMinor,
      // x86 says "flags", ARM "Features".
      instructionSets: (processor["flags"] ?? processor["Features"] ?? "").split(separator: " ")
        .map(String.init).filter(instructionSets.contains).sorted())
  }

  /// The installed memory that a kernel's total most likely stands for: the nearest of
  /// 2ⁱ and 1.5·2ⁱ bytes (…, 16, 24, 32, 48, 64 GiB, …), the smaller of two equally near.
  ///
  /// A kernel keeps some for itself, more or less from boot to boot, so that 23.4 and 23.6 GiB are
  /// both 24 GiB. The borders are at 20, 28, 40, 56 GiB, …: a machine of such a size also
  /// reports somewhat less, and so is always below its border.
  package static func memoryClass(of total: Bytes) -> Bytes {
    guard total > .zero else { return .zero }
    let power = 1 << (Int.bitWidth - 1 - total.count.leadingZeroBitCount)
    let candidates = [power, power + power / 2, power * 2]
    let nearest = candidates.min { abs($0 - total.count) < abs($1 - total.count) }
    return Bytes(nearest ?? power)
  }
}

extension MachineReader {
  private static let processorDirectory = "/sys/devices/system/cpu/cpu0"

  private func cpuModel(_ processor: LabelledLines) -> String {
    if let name = processor["model name"] { return name }
    // ARM has no name there, only numbers of maker and part.
    guard let maker = processor["CPU implementer"], let part = processor["CPU part"] else {
      return "unknown"
    }
    return "ARM \(maker) part \(part)"
  }

  private func cpuStepping(_ processor: LabelledLines) -> String {
    let x86 = ["cpu family", "model", "stepping"].compactMap { processor[$0] }
    if x86.count == 3 { return x86.joined(separator: ".") }
    let arm = ["CPU architecture", "CPU variant", "CPU revision"].compactMap { processor[$0] }
    return arm.count == 3 ? arm.joined(separator: ".") : "unknown"
  }

  private func threadsPerCore(_ processor: LabelledLines) -> Int {
    for name in ["core_cpus_list", "thread_siblings_list"] {
      let text = files.text("\(Self.processorDirectory)/topology/\(name)")
      if let count = text.flatMap(processorCount(inList:)) { return count }
    }
    guard let siblings = processor["siblings"].flatMap({ Int($0) }),
      let cores = processor["cpu cores"].flatMap({ Int($0) }), cores > 0
    else { return 1 }
    return max(1, siblings / cores)
  }

  private var caches: [Machine.Cache] {
    let directory = "\(Self.processorDirectory)/cache"
    let found = files.names(directory).filter { $0.hasPrefix("index") }.compactMap {
      cache(in: "\(directory)/\($0)")
    }
    return found.sorted { ($0.level, $0.kind) < ($1.level, $1.kind) }
  }

  private func cache(in directory: String) -> Machine.Cache? {
    func word(_ name: String) -> String? {
      files.text("\(directory)/\(name)").map { String(trimmed($0)) }
    }
    guard let level = word("level").flatMap({ Int($0) }), let kind = word("type"),
      let size = word("size").flatMap(cacheSize)
    else { return nil }
    let sharedBy = word("shared_cpu_list").flatMap(processorCount(inList:)) ?? 1
    return Machine.Cache(level: level, kind: kind.lowercased(), size: size, sharedBy: sharedBy)
  }

  /// `48K` or `32M`, both binary.
  private func cacheSize(_ text: String) -> Bytes? {
    guard let count = Int(text.prefix { $0.isNumber }), count > 0 else { return nil }
    switch text.last {
    case "K": return .kibibytes(count)
    case "M": return .mebibytes(count)
    default: return Bytes(count)
    }
  }

  private var operatingSystem: String {
    // The second is where the first, a link, points; containers may lack the first.
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
      let lines = (files.text(path) ?? "").split(separator: "\n")
      for key in ["PRETTY_NAME=", "NAME="] {
        guard let line = lines.first(where: { $0.hasPrefix(key) }) else { continue }
        let name = trimmed(line.dropFirst(key.count)).filter { $0 != "\"" && $0 != "'" }
        if !name.isEmpty { return name }
      }
    }
    return "unknown"
  }

  private var kernelMinor: String {
    let release = files.text("/proc/sys/kernel/osrelease") ?? ""
    let parts = release.split(separator: ".").prefix(2).map { $0.prefix { $0.isNumber } }
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return "unknown" }
    return parts.joined(separator: ".")
  }
}
