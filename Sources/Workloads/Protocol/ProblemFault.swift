/// A problem that cannot be: which axis, why, and how to mend it.
package struct ProblemFault: Error, Hashable {
  package let axis: String
  package let what: String
  package let mend: String

  package init(axis: String, what: String, fix mend: String) {
    self.axis = axis
    self.what = what
    self.mend = mend
  }
}
