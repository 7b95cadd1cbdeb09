import ArgumentParser
import Foundation
import Quantities
import Running

/// The program: parses and prints.
@main
struct Headroom: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headroom",
    abstract: "Measures LLM kernels and says how much room is left.",
    version: BuildReader.version,
    subcommands: [
      ListCommand.self, MachineCommand.self, PlanCommand.self, SweepCommand.self,
      ReportCommand.self, DiffCommand.self, GateCommand.self, AcceptCommand.self,
      CalibrateCommand.self, HistoryCommand.self, ExportCommand.self,
    ])

  static func main() async {
    do {
      // The child of a case, driven by its parent. The parser takes longer than many a case.
      if CommandLine.arguments.dropFirst() == ["worker"] { return try Worker().run() }
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      leave(with: error)
    }
  }

  /// Prints what went wrong and leaves with the documented code.
  private static func leave(with error: any Error) -> Never {
    switch error {
    case let code as ExitStatus: Foundation.exit(code.rawValue)
    case let convertible as any FaultConvertible:
      Console.diagnose(convertible.fault.description)
      Foundation.exit(ExitStatus(of: convertible).rawValue)
    case let stopped as Interruption.Stopped:
      Console.diagnose("interrupted: \(stopped.advice)")
      // What a shell calls a program that ended by SIGINT.
      Foundation.exit(130)
    default:
      let code = exitCode(for: error)
      // Help and version are no errors; the parser's own usage errors have one code here.
      if code == .success { exit(withError: error) }
      Console.diagnose(fullMessage(for: error))
      Foundation.exit(ExitStatus.usage.rawValue)
    }
  }
}
