package import Quantities
import Records

/// Why there is no child to talk to.
package enum ChildFault: FaultConvertible {
  case noHello(ProcessEnding, program: String)
  case silent(Seconds)
  case otherProtocol(Int)
  case garbage(String)
  case impossible(String)

  package var fault: Fault {
    switch self {
    case .noHello(let ending, let program):
      Fault(
        "the worker ended before it said hello: \(ending)", at: program,
        fix: "run it by hand with the argument 'worker' to see why")
    case .silent(let patience):
      Fault(
        "the worker did not say hello within \(patience)",
        fix: "run it by hand with the argument 'worker' to see why, or give a longer --timeout")
    case .otherProtocol(let version):
      Fault(
        "the worker speaks protocol \(version), and this program "
          + "\(Schema.wireProtocols.lowerBound) and \(Schema.wireProtocols.upperBound)",
        fix: "use builds of the same version")
    case .garbage(let line):
      Fault(
        "the worker wrote a line that is none of the protocol's: \(line.prefix(100))",
        fix: "write answers alone to standard output, and all else to standard error")
    case .impossible(let defect):
      Fault(
        "the worker answered what cannot be: \(defect)",
        fix: "see that it fills every figure of its answers")
    }
  }
}
