import ArgumentParser
import Kernels
import OrderedCollections
import Quantities
import Reporting
import Running

struct MachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Tells what this machine is and can do: fingerprint, capabilities, ceilings.")

  @Option(help: "Write it as JSON to this file; - is standard output.")
  var json: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(["json": json], replace: replace.isGiven)
    let survey = try Interruption.cancels(advice: "nothing is written") {
      try await MachineSurvey.make(cpus: ThreadPool.allowedCPUs)
    }
    var capabilities: OrderedDictionary<String, Reading<String>> = [:]
    for capability in Capability.allCases {
      capabilities[capability.rawValue] =
        capability.missing.map { .unavailable($0) } ?? .measured("present")
    }
    let report = MachineReport(
      machine: survey.machine, build: survey.build, ceilings: survey.ceilings,
      conditions: survey.conditions, noise: survey.noise, capabilities: capabilities)
    try outputs.deliver(MachineDocument.make(report))
  }
}
