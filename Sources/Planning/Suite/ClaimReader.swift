import Records

/// Reads what a suite says that others published of a memory saver.
enum ClaimReader {
  static func claim(_ node: SuiteNode) throws -> Located<PublishedClaim> {
    let fields = try node.fields(
      "an entry of claims", known: ["saver", "memory", "time", "source"])
    let saver = try fields.required("saver").text("saver")
    let source = try fields.required("source").text("source")
    let (memory, time) = (try ratio("memory", fields), try ratio("time", fields))
    guard memory != nil || time != nil else { throw SuiteFault.claimsNothing(node.place) }
    return Located(
      PublishedClaim(saver: saver.value, memory: memory, time: time, source: source.value),
      saver.place)
  }

  private static func ratio(_ key: String, _ fields: SuiteFields) throws -> Double? {
    guard let text = try fields[key]?.text(key) else { return nil }
    guard let ratio = Double(text.value), ratio > 0, ratio.isFinite else {
      throw SuiteFault.notARatio(text.value, key: key, text.place)
    }
    return ratio
  }

  /// A claim whose saver no workload of the suite knows would never be shown.
  static func check(
    _ claims: [Located<PublishedClaim>], of workloads: [WorkloadDescription]
  ) throws {
    for claim in claims {
      let saver = Located(claim.value.saver, claim.place)
      let meanings = workloads.compactMap {
        try? AxisAlias.meaning(Located(AxisAlias.saver, claim.place), of: $0)
      }
      guard let meaning = meanings.first else { throw SuiteFault.claimWithoutSavers(claim.place) }
      _ = try meaning.read(saver)
    }
  }
}
