import MemoryPlanning

/// The changes that somebody lets a search make, as `checkpointing,loss`.
package enum AllowedMends {
  /// - Throws: `FitFault` for a name that no change has.
  package static func read(_ text: String) throws -> Set<String> {
    let names = text.split(separator: ",").map(String.init)
    if let name = names.first(where: { !MendCatalog.names.contains($0) }) {
      throw FitFault.noMend(name, known: MendCatalog.names.sorted(), option: "--allow")
    }
    return Set(names)
  }
}
