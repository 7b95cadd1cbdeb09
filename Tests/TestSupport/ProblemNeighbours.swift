import Foundation
package import Kernels

/// Problems beside a problem, found through its JSON alone, so that any workload has them.
package enum ProblemNeighbours {
  /// Each number axis changed by each step, others as they were; values under 1 and problems that
  /// the workload refuses are left out.
  package static func around<W: Workload>(
    _: W.Type, _ problem: W.Problem, steps: [Int] = [-1, 1]
  ) throws -> [W.Problem] {
    let axes = try object(of: problem)
    var neighbours: [W.Problem] = []
    for name in axes.keys.sorted() {
      guard let value = axes[name] as? Int else { continue }
      for step in steps where value + step >= 1 {
        var changed = axes
        changed[name] = value + step
        let data = try JSONSerialization.data(withJSONObject: changed)
        let neighbour = try JSONDecoder().decode(W.Problem.self, from: data)
        if (try? W.validate(neighbour)) != nil { neighbours.append(neighbour) }
      }
    }
    return neighbours
  }

  /// A problem as its JSON, keys sorted.
  package static func text(of problem: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(problem), as: UTF8.self)
  }

  private static func object(of problem: some Encodable) throws -> [String: Any] {
    let data = try JSONEncoder().encode(problem)
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }
}
