package import MemoryPlanning
import Quantities

extension MemoryAnswer {
  /// As scripts read it: one object on one line.
  package var json: String {
    func object(_ fields: [(String, Int)]) -> String {
      "{" + fields.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
    return #"{"bytes":\#(best.count),"low":\#(low.count),"high":\#(high.count),"#
      + #""phase":\#(quoted(phase)),"phases":\#(object(phases.map { ($0.name, $0.bytes.count) })),"#
      + #""by_role":\#(object(roles.map { ($0.0, $0.1.count) }))}"#
  }

  private var roles: [(String, Bytes)] {
    MemoryRole.allCases.compactMap { role in byRole[role].map { (role.key, $0) } }
  }

  private func quoted(_ text: String) -> String { "\"\(text)\"" }
}

extension MemoryRole {
  /// As JSON names it.
  package var key: String { self == .kvCache ? "kv_cache" : rawValue }
}
