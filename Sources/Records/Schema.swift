/// The versions of what stands on disk and of what goes over a pipe.
package enum Schema {
  /// The run file's own name and version, in its first line.
  package static let run = "headroom.run/1"
  /// The derived numbers that scripts read.
  package static let report = "headroom.report/1"
  /// What parent and worker speak; a parent speaks this and the previous one.
  package static let wireProtocol = 1
}
