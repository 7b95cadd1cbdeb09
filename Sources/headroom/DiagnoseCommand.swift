import ArgumentParser
import Planning
import Quantities
import Records
import Reporting
import Running

struct DiagnoseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagnose",
    abstract: "Says what filled memory: of a run's cases that ran out of it, or of any program.",
    discussion: """
      The program is run with all that it starts; what it prints passes through. It is looked at \
      while it runs, and tcmalloc's heap profiler is loaded into it where that can be.
      """)

  @Argument(help: "A run file, in which cases ran out of memory.")
  var runs: [String] = []

  @Argument(
    parsing: .postTerminator,
    help: "The program and its arguments, behind two hyphens: -- python3 train.py")
  var command: [String] = []

  @Option(
    name: .customLong("case"), help: "Only the case of a run with this id, or with this in it.")
  var case_: String?

  @Option(help: "The changes that may be proposed, as checkpointing,loss (default: all).")
  var allow: String?

  @Option(help: "Memory that the program may take with all that it starts, as 2GiB.")
  var memoryLimit: String?

  @Option(help: "Time between two looks at its memory, as 50ms.")
  var every: String?

  @Option(help: "Time after which the program is ended, as 60s.")
  var timeout: String?

  @Option(help: "The library of tcmalloc to load into it (default: the one of this program).")
  var heapProfiler: String?

  @Flag(help: "Load no heap profiler.")
  var noHeap = false

  @Option(help: "Write it as JSON to this file; - is standard output.")
  var json: String?

  @Option(help: "Write it as Markdown to this file; - is standard output.")
  var markdown: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    if !runs.isEmpty { return try diagnoseRuns() }
    guard !command.isEmpty else { throw ConsoleFault.noCommand }
    var options = try options()
    let outputs = try Outputs(
      ["json": json, "markdown": markdown], inputs: [command[0]], replace: replace.isGiven)
    options.printsToStandardError = outputs.takeStandardOutput
    let asked = options
    let diagnosis = try Interruption.cancels(advice: "the program was ended; nothing is written") {
      try await ProgramSession.run(asked)
    }
    try outputs.deliver(ProgramDiagnosisDocument.make(diagnosis))
    if !diagnosis.ending.isGood { throw ExitStatus.caseFailed }
  }

  /// Why cases of run files ran out of memory.
  private func diagnoseRuns() throws {
    guard command.isEmpty else { throw ConsoleFault.runAndCommand }
    let outputs = try Outputs(
      ["json": json, "markdown": markdown], inputs: runs, replace: replace.isGiven)
    let stored = try RunFile.read(all: runs)
    for note in stored.notes { Console.diagnose("note: \(note)") }
    let allowed = try allow.map(AllowedMends.read)
    let found = try CaseDiagnosis.all(of: stored.runs, id: case_, allowed: allowed)
    if let case_, found.isEmpty { throw ConsoleFault.noSuchCase(case_) }
    try outputs.deliver(DiagnosisDocument.make(found))
  }

  private func options() throws -> DiagnosisOptions {
    var options = DiagnosisOptions(command: command)
    if let text = Environment.value(memoryLimit, for: "memory-limit") {
      guard let limit = Bytes(text), limit > .zero else {
        throw ConsoleFault.badOption(text, option: "memory-limit", example: "2GiB")
      }
      options.memoryLimit = limit
    }
    if let text = Environment.value(every, for: "every") {
      options.interval = try time(text, "every", example: "50ms", in: 1e-3...3600)
    }
    if let text = Environment.value(timeout, for: "timeout") {
      options.timeout = try time(text, "timeout", example: "60s", in: 1e-3...1e9)
    }
    let library = Environment.value(heapProfiler, for: "heap-profiler")
    if noHeap, heapProfiler != nil { throw ConsoleFault.heapAndNoHeap }
    if noHeap { options.heap = .none } else if let library { options.heap = .library(library) }
    return options
  }

  private func time(
    _ text: String, _ option: String, example: String, in range: ClosedRange<Double>
  ) throws -> Seconds {
    guard let time = Seconds(text), range.contains(time.value) else {
      throw ConsoleFault.badOption(text, option: option, example: example)
    }
    return time
  }
}
