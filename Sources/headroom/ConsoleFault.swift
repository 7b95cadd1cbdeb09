import Quantities

/// What the command line got wrong beyond what its parser sees.
enum ConsoleFault: FaultConvertible {
  case noSuite
  case twoSuites
  case axisWithoutSuite
  case badNote(String)
  case badProcessors(String)
  case badFlag(String, String)
  case resumeAndReplace
  case noGate
  case noTrials
  case twoBases
  case replayAndSuite
  case resultOnStandardOutput
  case badFormat(String, known: [String])
  case noFiles
  case notAResult(String)
  case noCalibration
  case badTime(String)
  case badShare(String, option: String)
  case noRoom(tolerate: Double, detect: Double)
  case runAndCommand
  case noSuchCase(String)
  case noCommand
  case badOption(String, option: String, example: String)
  case heapAndNoHeap

  var fault: Fault {
    switch self {
    case .noSuite:
      Fault("there is no suite to run", fix: "name a suite file, or give --workload and -a")
    case .twoSuites:
      Fault("a suite file and --workload exclude each other", fix: "leave one of them out")
    case .axisWithoutSuite:
      Fault("-a changes a suite's axes, and there is no suite", fix: "name a suite file")
    case .badNote(let text):
      Fault("'\(text)' is no note", at: "--note", fix: "write --note key=value")
    case .badProcessors(let text):
      Fault(
        "'\(text)' is no list of this machine's processors", at: "--cpus",
        fix: "write numbers of processors that this process may use: --cpus 0,1 or --cpus 0-3")
    case .badFlag(let name, let text):
      Fault("'\(text)' is neither yes nor no", at: name, fix: "set it to 1 or 0, or unset it")
    case .resumeAndReplace:
      Fault("--resume and --replace exclude each other", fix: "leave one of them out")
    case .noGate:
      Fault(
        "there is nothing to judge",
        fix: "name a suite with --base BUILD and --head BUILD, or give --replay FILE")
    case .noTrials:
      Fault(
        "a simulation needs suites and cases", fix: "give --suites and --cases from 1 to 1000000")
    case .noCalibration:
      Fault("there is nothing to calibrate", fix: "give --sessions or --builds above 0")
    case .notAResult(let path):
      Fault(
        "it is no result of a gate", at: path,
        fix: "make one with: headroom gate SUITE --base BUILD --head BUILD -o \(path)")
    case .noFiles:
      Fault("there is nothing to add", fix: "name files of headroom sweep or gate")
    case .badFormat(let text, let known):
      Fault(
        "there is no format '\(text)'", at: "--format",
        fix: nearestName(to: text, among: known).map { "did you mean '\($0)'?" }
          ?? "one of: \(known.joined(separator: ", "))")
    case .resultOnStandardOutput:
      Fault(
        "a gate's result is kept in a file, so that it can be judged again", at: "-o -",
        fix: "name a file with -o; --json - writes the answer to standard output")
    case .replayAndSuite:
      Fault(
        "--replay judges stored timings and runs no suite", at: "--replay",
        fix: "leave out the suite, or --replay")
    case .twoBases:
      Fault("--base and --base-commit exclude each other", fix: "leave one of them out")
    case .badTime(let text):
      Fault("'\(text)' is no time", at: "--time", fix: "write a number and a unit, as 5min or 90s")
    case .badShare(let text, let option):
      Fault("'\(text)' is no share", at: "--\(option)", fix: "write a percentage, as 2%")
    case .runAndCommand:
      Fault("a run file and a command exclude each other", fix: "leave one of them out")
    case .noSuchCase(let id):
      Fault(
        "no case with '\(id)' in its id ran out of memory", at: "--case",
        fix: "leave --case out to see those that did")
    case .noCommand:
      Fault(
        "there is no program to diagnose",
        fix: "put it and its arguments behind two hyphens: headroom diagnose -- python3 train.py")
    case .badOption(let text, let option, let example):
      Fault("'\(text)' cannot be taken", at: "--\(option)", fix: "write it as \(example)")
    case .heapAndNoHeap:
      Fault("--heap-profiler and --no-heap exclude each other", fix: "leave one of them out")
    case .noRoom(let tolerate, let detect):
      Fault(
        "what must be detected (\(significant(detect * 100)) %) is no more than what is tolerated"
          + " (\(significant(tolerate * 100)) %)",
        at: "--detect", fix: "give a larger one: noise needs room between the two")
    }
  }
}
