/// A problem that cannot be: which axis, why, and how to mend it.
package struct ProblemFault: Error, Hashable {
  package let axis: String
  package let what: String
  package let mend: String

  /// - Parameters:
  ///   - axis: by its name in suites.
  ///   - what: the reason, as a clause of its own.
  ///   - mend: what to do about it, as an imperative.
  package init(axis: String, what: String, fix mend: String) {
    self.axis = axis
    self.what = what
    self.mend = mend
  }
}
