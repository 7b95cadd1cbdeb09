import Foundation

/// The twins of long options in the environment: `--memory-limit` is `HEADROOM_MEMORY_LIMIT`.
enum Environment {
  private static let prefix = "HEADROOM_"

  /// The option as given, else its twin.
  static func value(_ given: String?, for option: String) -> String? {
    given ?? ProcessInfo.processInfo.environment[name(of: option)]
  }

  /// All twins that are set, for the run's header.
  static var recorded: [String: String] {
    ProcessInfo.processInfo.environment.filter { $0.key.hasPrefix(prefix) }
  }

  private static func name(of option: String) -> String {
    prefix + option.uppercased().split(separator: "-").joined(separator: "_")
  }
}
