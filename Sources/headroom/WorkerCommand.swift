import ArgumentParser
import Planning
import Running

/// The child: driven by its parent over standard input and output.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Runs cases for a parent.", shouldDisplay: false)

  func run() throws { try Worker(catalog: .standard).run() }
}
