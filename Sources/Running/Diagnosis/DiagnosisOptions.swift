package import Quantities

/// How a program is run and looked at.
package struct DiagnosisOptions: Sendable {
  /// The program and its arguments, as a shell would be told.
  package var command: [String]
  package var memoryLimit: Bytes?
  /// Between two looks at its memory. A look costs the machine about 0.1 ms for each process.
  package var interval = Seconds(0.05)
  /// It is ended after so long; without, never.
  package var timeout: Seconds?
  package var heap = HeapChoice.ownLibrary
  /// Where this program's own standard output is wanted for the result alone.
  package var printsToStandardError = false

  package init(command: [String]) { self.command = command }

  /// Whose heap profiler is loaded into the program.
  package enum HeapChoice: Sendable, Hashable {
    case none
    /// The tcmalloc that this program itself runs with.
    case ownLibrary
    case library(String)
  }
}
