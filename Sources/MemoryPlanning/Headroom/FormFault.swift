package import Quantities

/// Why there is no plan of a case: its values do not parse, or make no problem.
package enum FormFault: FaultConvertible, Hashable {
  case missing(axis: String, workload: String)
  case notACount(axis: String, value: String, least: Int)
  case unknownWord(axis: String, value: String, known: [String])
  case noProblem(axis: String, what: String, mend: String)
  case tooLarge(workload: String)
  case threads(Int)

  package var fault: Fault {
    switch self {
    case .missing(let axis, let workload):
      return Fault("\(workload) has no value for \(axis)", fix: "give \(axis)")
    case .notACount(let axis, let value, let least):
      return Fault(
        "\(axis) is '\(value)', which is not a whole number from \(least) up that memory could hold",
        fix: "write \(axis) as a whole number from \(least) up")
    case .unknownWord(let axis, let value, let known):
      let nearest = nearestName(to: value, among: known).map { "; did you mean '\($0)'?" } ?? ""
      return Fault(
        "\(axis) knows no '\(value)'\(nearest)", fix: "use one of \(known.joined(separator: ", "))")
    case .noProblem(let axis, let what, let mend): return Fault(what, at: axis, fix: mend)
    case .tooLarge(let workload):
      return Fault(
        "this case of \(workload) is larger than any machine's memory", fix: "use smaller sizes")
    case .threads(let count):
      return Fault(
        "\(count) threads cannot run a case", fix: "use 1 to \(FormValues.mostThreads) threads")
    }
  }
}
