import ArgumentParser
import CLinux
import Foundation
import Quantities
import Running

/// The program: parses and prints.
@main
struct Headroom: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headroom",
    abstract: "Measures LLM kernels and says how much room is left.",
    version: BuildReader.version,
    subcommands: [
      ListCommand.self, MachineCommand.self, PlanCommand.self, SweepCommand.self,
      ReportCommand.self, ResultsCommand.self, DiffCommand.self, GateCommand.self,
      AcceptCommand.self, FitCommand.self,
      CalibrateCommand.self, HistoryCommand.self, ExportCommand.self, DiagnoseCommand.self,
    ])

  /// As the loader handed them over: the language's own list is read from /proc, and empty without it.
  private static let arguments = (1..<max(1, hr_argument_count())).compactMap { index in
    hr_argument(index).map { String(cString: $0) }
  }

  static func main() {
    // Who reads no further, a child or `| head`, is told from what writing answers.
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow is an error that a write answers with.
    signal(SIGXFSZ, SIG_IGN)
    do {
      // The child of a case, driven by its parent. The parser takes longer than many a case.
      if arguments == ["worker"] { return try Worker().run() }
      // What becomes another program, under limits.
      if arguments.first == ProgramStarter.word, arguments.count == 2 {
        Foundation.exit(try ProgramStarter.run(arguments[1]))
      }
      var command = try parseAsRoot(arguments)
      for note in Environment.notes { Console.diagnose("note: \(note.printable())") }
      try command.run()
      leave(ExitStatus.good.rawValue)
    } catch {
      leave(with: error)
    }
  }

  /// Prints what went wrong and leaves with the documented code.
  private static func leave(with error: any Error) -> Never {
    switch error {
    case let code as ExitStatus: leave(code.rawValue)
    case let convertible as any FaultConvertible:
      Console.diagnose(convertible.fault.description)
      leave(ExitStatus(of: convertible).rawValue)
    case let stopped as Interruption.Stopped:
      Console.diagnose("interrupted: \(stopped.advice)")
      leave(stopped.exitCode)
    default:
      let message = fullMessage(for: error)
      // Help and version are no errors where they were asked for; the parser's own usage errors have
      // one code here.
      if exitCode(for: error) == .success, asksForHelp {
        Console.put(Data((message + "\n").utf8))
        leave(ExitStatus.good.rawValue)
      }
      Console.diagnose(message.printable(keepingLines: true))
      leave(ExitStatus.usage.rawValue)
    }
  }

  private static var asksForHelp: Bool {
    !Set(arguments).isDisjoint(with: [
      "--help", "-h", "-help", "help", "--help-hidden", "--version",
    ])
      || arguments.contains {
        $0.hasPrefix("--generate-completion-script") || $0.hasPrefix("--experimental-dump-help")
      }
  }

  /// A result that standard output could not take is no success.
  private static func leave(_ code: Int32) -> Never {
    guard let why = Console.lostOutput else { Foundation.exit(code) }
    Console.diagnose(
      Fault(
        "standard output cannot be written: \(why)", at: "standard output",
        fix: "make room where it goes, or name another file"
      ).description)
    Foundation.exit(code == ExitStatus.good.rawValue ? ExitStatus.usage.rawValue : code)
  }
}
