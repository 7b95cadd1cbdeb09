package import Quantities

/// What is wrong with a file of known figures.
package enum KnownFault: FaultConvertible {
  case empty
  case noColumn(String, among: [String])
  case otherCount(line: Int, cells: Int, names: Int)

  package var fault: Fault {
    let form = "source,model,params,settings,quantity,value,unit,note"
    return switch self {
    case .empty:
      Fault("the file is empty", fix: "give a file whose first line is \(form)")
    case .noColumn(let name, let names):
      Fault(
        "there is no column \(name) among \(names.joined(separator: ", "))",
        fix: "give a file whose first line is \(form)")
    case .otherCount(let line, let cells, let names):
      Fault(
        "line \(line) has \(counted(cells, "cell")), and the first line names \(names)",
        fix: "put a cell that holds a comma in quotes")
    }
  }
}
