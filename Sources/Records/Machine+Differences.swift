extension Machine {
  /// What is not as on another machine, a few words each, with this machine's value first:
  /// `cores 2, not 4`. Empty for the same machine.
  package func differences(from other: Machine) -> [String] {
    var words: [String] = []
    func compare<Value: Equatable>(
      _ name: String, _ field: KeyPath<Machine, Value>, as text: (Value) -> String = { "\($0)" }
    ) {
      let (mine, its) = (self[keyPath: field], other[keyPath: field])
      if mine != its { words.append("\(name) \(text(mine)), not \(text(its))") }
    }
    compare("processor", \.cpuModel)
    compare("family.model.stepping", \.cpuStepping)
    compare("cores", \.visibleCores)
    compare("threads per core", \.threadsPerCore)
    compare("caches", \.caches, as: cacheText)
    compare("memory", \.memoryClass)
    compare("operating system", \.operatingSystem)
    compare("kernel", \.kernelMinor)
    let lacking = other.instructionSets.filter { !instructionSets.contains($0) }
    if !lacking.isEmpty {
      words.append("instruction sets without \(lacking.joined(separator: ", "))")
    }
    let further = instructionSets.filter { !other.instructionSets.contains($0) }
    if !further.isEmpty {
      words.append("instruction sets with \(further.joined(separator: ", ")) besides")
    }
    return words
  }
}

private func cacheText(_ caches: [Machine.Cache]) -> String {
  guard !caches.isEmpty else { return "unknown" }
  return caches.map { cache in
    let kind = cache.kind == "unified" ? "" : " \(cache.kind)"
    let shared = cache.sharedBy > 1 ? " for \(cache.sharedBy) cores" : ""
    return "L\(cache.level)\(kind) \(cache.size)\(shared)"
  }.joined(separator: " + ")
}
