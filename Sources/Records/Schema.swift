/// The versions of what stands on disk and of what goes over a pipe.
package enum Schema {
  /// The run file's own name and version, in its first line.
  package static let run = "headroom.run/1"
  /// The derived numbers that scripts read.
  package static let report = "headroom.report/1"
  /// What was recorded of any program's memory.
  package static let program = "headroom.program/1"
  /// What parent and worker speak: in 2 a work order's problem is an object, in 1 the same as a text.
  package static let wireProtocol = 2
  /// A parent speaks its own and the one before.
  package static let wireProtocols = 1...2
}
