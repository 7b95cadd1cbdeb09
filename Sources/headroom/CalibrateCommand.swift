import ArgumentParser
import Comparing
import Foundation
import Records
import Reporting
import Running

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measures what this machine's times do while no code changes: gate and diff use it.")

  @OptionGroup var suite: SuiteOptions

  @Option(help: "Looks at all cases; they add up over calls, and other hours of the day tell more.")
  var sessions = 12

  @Option(help: "Programs to link anew in another order, each against this one: 20 tell enough.")
  var builds = 0

  @Option(help: "Write what is known now as JSON to this file; - is standard output.")
  var json: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    guard sessions >= 0, builds >= 0, sessions + builds > 0 else {
      throw ConsoleFault.noCalibration
    }
    let command = self
    try Interruption.cancels(
      advice: "finished sessions are stored; what was being measured is not"
    ) { try await command.calibrate() }
  }

  private func calibrate() async throws {
    let outputs = try Outputs(["json": json], replace: replace.isGiven)
    let session = try await CalibrationSession.open(
      try suite.plan(), cpus: try suite.processors())
    let file = try CalibrationFile(
      of: session.machine, environment: ProcessInfo.processInfo.environment)
    // Before anything is measured: what cannot be read must not be found out afterwards.
    var calibration = try file.read()
    var progress = ProgressLine()
    let now = { Date.now.formatted(.iso8601) }
    for index in 0..<sessions {
      progress.say("session \(index + 1) of \(sessions)")
      calibration.add(try await session.session(now: now))
      try file.write(calibration)
    }
    if builds > 0 {
      let relinks = try await session.relinks(builds, now: now) {
        progress.say("relinked program \($0) of \(builds)")
      }
      calibration.add(relinks)
      try file.write(calibration)
    }
    progress.clear()
    try outputs.deliver(CalibrationDocument.make(calibration))
    Console.diagnose("wrote \(file.path)")
  }
}
