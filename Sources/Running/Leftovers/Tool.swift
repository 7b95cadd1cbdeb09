import Quantities
import Subprocess

/// Runs a program to its end and keeps what it printed; it and all that it started go when it takes too
/// long, or when this program is interrupted.
enum Tool {
  struct Ending: Sendable {
    let isGood: Bool
    let output: String
    let errors: String
  }

  static func run(_ executable: Executable, _ arguments: [String], within limit: Seconds)
    async throws -> Ending
  {
    try await withThrowingTaskGroup(of: Ending?.self) { group in
      group.addTask {
        let result = try await Subprocess.run(
          executable, arguments: Arguments(arguments), platformOptions: .groupOfItsOwn,
          output: .string(limit: 1 << 24), error: .string(limit: 1 << 24))
        return Ending(
          isGood: result.terminationStatus.isSuccess, output: result.standardOutput,
          errors: result.standardError)
      }
      group.addTask {
        try await Task.sleep(for: .seconds(limit.value))
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let ending = first else {
        throw Fault("\(executable) did not end within \(limit)", fix: "run it by hand to see why")
      }
      return ending
    }
  }
}

extension PlatformOptions {
  /// Ctrl-C goes to this program alone, which ends its children itself, with what they started.
  static var groupOfItsOwn: PlatformOptions {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)
    ]
    return options
  }
}
