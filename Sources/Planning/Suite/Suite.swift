package import Records

/// A sweep as it was written: nothing is resolved, and every value knows its line.
package struct Suite: Hashable, Sendable {
  package let name: String
  package let about: String?
  package let measure: MeasureOptions
  package let gate: GateOptions
  package let entries: [SuiteEntry]
  /// What others published of what the suite measures.
  package let claims: [Located<PublishedClaim>]
  /// The file's text, or the command that stands for it.
  package let text: String
  /// What the command line put over the file, in its own words.
  package let overrides: [String]
  package let place: Place

  package init(
    name: String, about: String?, measure: MeasureOptions, gate: GateOptions = GateOptions(),
    entries: [SuiteEntry], claims: [Located<PublishedClaim>] = [], text: String,
    overrides: [String] = [], place: Place
  ) {
    self.name = name
    self.about = about
    self.measure = measure
    self.gate = gate
    self.entries = entries
    self.claims = claims
    self.text = text
    self.overrides = overrides
    self.place = place
  }

  /// As a run's header has them.
  package var publishedClaims: [PublishedClaim]? {
    claims.isEmpty ? nil : claims.map(\.value)
  }

  /// One workload, given on the command line: `--workload matmul -a m=1,8`.
  ///
  /// - Parameter axes: each as `name=values`.
  package init(inlineWorkload workload: String, axes: [String]) throws {
    let place = Place.option("--workload \(workload)")
    let entry = SuiteEntry(
      workload: Located(workload, place), axes: try axes.map(AxisAssignment.init(option:)),
      skip: [], interleave: nil, monotone: [], gate: GateOptions(), place: place)
    let words = axes.map { " -a \($0)" }.joined()
    self.init(
      name: workload, about: nil, measure: MeasureOptions(), entries: [entry],
      text: "headroom sweep --workload \(workload)\(words)", place: place)
  }
}

/// One workload and the values of its axes: their product is swept.
package struct SuiteEntry: Hashable, Sendable {
  package let workload: Located<String>
  package let axes: [AxisAssignment]
  package let skip: [SkipRule]
  /// The axis along which cases are sampled in turns.
  package let interleave: Located<String>?
  /// Axes along which memory never falls: what is larger than a case that ran out of it is not tried.
  package let monotone: [Located<String>]
  package let gate: GateOptions
  package let place: Place
}

/// An axis and the values that it is given.
package struct AxisAssignment: Hashable, Sendable {
  package let name: Located<String>
  package let values: AxisValues
}

/// Cases that are left out, and why.
package struct SkipRule: Hashable, Sendable {
  package let conditions: [AxisAssignment]
  package let because: String
  package let place: Place
}
