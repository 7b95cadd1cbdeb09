import Foundation
import Quantities

/// The twins of long options in the environment: `--memory-limit` is `HEADROOM_MEMORY_LIMIT`.
///
/// An empty one counts as not set, as matrices of CI servers leave them.
enum Environment {
  private static let prefix = "HEADROOM_"

  /// The option as given, else its twin.
  static func value(_ given: String?, for option: String) -> String? {
    given ?? variable(name(of: option))
  }

  /// Whether a flag is given, else what its twin says.
  static func flag(_ given: Bool, for option: String) throws -> Bool {
    guard !given, let text = variable(name(of: option)) else { return given }
    switch text.lowercased() {
    case "1", "true", "yes", "on": return true
    case "0", "false", "no", "off": return false
    default: throw ConsoleFault.badFlag(name(of: option), text)
    }
  }

  static func variable(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// All twins that are set, for the run's header.
  static var recorded: [String: String] {
    ProcessInfo.processInfo.environment.filter { $0.key.hasPrefix(prefix) && !$0.value.isEmpty }
  }

  /// What is to be said of names that begin like a twin's: those that mean nothing, and empty ones.
  static var notes: [String] {
    let known = Set(twins.map(name) + others)
    return ProcessInfo.processInfo.environment.keys.filter { $0.hasPrefix(prefix) }.sorted()
      .compactMap { given in
        if !known.contains(given) {
          let meant = nearestName(to: given, among: known.sorted()).map { "; did you mean \($0)?" }
          return "\(given) means nothing to this program\(meant ?? "")"
        }
        return variable(given) == nil ? "\(given) is empty, and counts as not set" : nil
      }
  }

  /// Options that take values, as the commands ask for them.
  private static let twins = [
    "accept", "auto-mend", "base", "base-commit", "budget", "cpus", "csv", "detect", "every",
    "filter", "head",
    "heap-profiler", "json", "junit", "markdown", "memory-limit", "output", "runs", "seed", "shard",
    "skip-predicted", "slow-down", "time",
    "timeout", "tolerate", "who", "within", "workload",
  ]

  /// Where libraries of others lie.
  private static let others = ["HEADROOM_OPENBLAS", "HEADROOM_ONEDNN", "HEADROOM_MKL"]

  private static func name(of option: String) -> String {
    prefix + option.uppercased().split(separator: "-").joined(separator: "_")
  }
}
