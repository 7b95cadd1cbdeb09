import Quantities
import Records
import Yams

/// Reads suite files: the form only; what names mean is the planner's to say.
package enum SuiteReader {
  package static func read(_ path: String) throws -> Suite {
    let input = try InputFile(
      path, as: "suite",
      fix: "give the path of a suite file, or a case inline: --workload NAME -a axis=values",
      atMost: .mebibytes(4))
    return try parse(input.text, path: path)
  }

  package static func parse(_ text: String, path: String) throws -> Suite {
    let root = try root(of: text, path)
    let fields = try root.fields(
      "the suite", known: ["suite", "about", "measure", "gate", "sweep", "claims"])
    let name = try fields.required("suite").text("suite")
    // The run file is named for it.
    guard name.value.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil else {
      throw SuiteFault.badName(name.value, name.place)
    }
    let measure = try fields["measure"].map(measure) ?? MeasureOptions()
    let sweep = try fields.required("sweep")
    let common = try fields["gate"].map { try gate($0) } ?? GateOptions()
    let entries = try sweep.items("sweep").map { try entry($0, common) }
    guard !entries.isEmpty else { throw SuiteFault.emptySweep(sweep.place) }
    return Suite(
      name: name.value, about: try fields["about"]?.text("about").value,
      measure: measure, gate: common, entries: entries,
      claims: try fields["claims"].map { try claims($0, beside: path) } ?? [], text: text,
      place: root.place)
  }

  /// A list of them, or the suite beside this one that has it.
  private static func claims(_ node: SuiteNode, beside path: String) throws -> [Located<
    PublishedClaim
  >] {
    guard node.isScalar else { return try node.items("claims").map(ClaimReader.claim) }
    let name = try node.text("claims").value
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let other = (folder + [name[...]]).joined(separator: "/")
    let input = try InputFile(
      other, as: "suite of claims", fix: "list the claims, or name a suite in the same folder",
      atMost: .mebibytes(4))
    let fields = try root(of: input.text, other).pairs("the suite")
    guard let found = fields.first(where: { $0.key.value == "claims" })?.value else {
      throw SuiteFault.missingKey("claims", of: other, node.place)
    }
    return try found.items("claims").map(ClaimReader.claim)
  }

  private static func measure(_ node: SuiteNode) throws -> MeasureOptions {
    var options = MeasureOptions()
    let fields = try node.fields("measure", known: MeasureKey.allCases.map(\.rawValue))
    for key in MeasureKey.allCases {
      guard let text = try fields[key.rawValue]?.text(key.rawValue) else { continue }
      try options.set(key, to: text.value, at: text.place)
    }
    return options
  }

  private static func gate(_ node: SuiteNode, isEntry: Bool = false) throws -> GateOptions {
    var options = GateOptions()
    let keys = GateKey.allCases.filter { !isEntry || $0 != .time }
    let fields = try node.fields(
      isEntry ? "an entry's gate" : "gate", known: keys.map(\.rawValue))
    for key in keys {
      guard let text = try fields[key.rawValue]?.text(key.rawValue) else { continue }
      try options.set(key, to: text.value, at: text.place)
    }
    return options
  }

  private static func entry(_ node: SuiteNode, _ common: GateOptions) throws -> SuiteEntry {
    let known = ["workload", "axes", "skip", "interleave", "monotone", "gate"]
    let fields = try node.fields("an entry of sweep", known: known)
    return SuiteEntry(
      workload: try fields.required("workload").text("workload"),
      axes: try fields["axes"].map { try assignments($0, "axes") } ?? [],
      skip: try fields["skip"]?.items("skip").map(skipRule) ?? [],
      interleave: try fields["interleave"]?.text("interleave"),
      monotone: try fields["monotone"].map { node in
        try node.isScalar
          ? [node.text("monotone")]
          : node.items("monotone").map { try $0.text("an axis of monotone") }
      } ?? [],
      gate: (try fields["gate"].map { try gate($0, isEntry: true) } ?? GateOptions()).falling(
        backOn: common),
      place: node.place)
  }

  private static func skipRule(_ node: SuiteNode) throws -> SkipRule {
    let fields = try node.fields("an entry of skip", known: ["where", "because"])
    let condition = try fields.required("where")
    let conditions = try assignments(condition, "where")
    guard !conditions.isEmpty else { throw SuiteFault.emptyCondition(condition.place) }
    return SkipRule(
      conditions: conditions, because: try fields.required("because").text("because").value,
      place: node.place)
  }

  private static func assignments(_ node: SuiteNode, _ what: String) throws -> [AxisAssignment] {
    try node.pairs(what).map { name, value in
      AxisAssignment(name: name, values: try values(value, of: name.value))
    }
  }

  private static func values(_ node: SuiteNode, of axis: String) throws -> AxisValues {
    if node.isScalar {
      let text = try node.text(axis)
      return try AxisValues(text.value, axis: axis, at: text.place)
    }
    if node.isMapping {
      let range = try readRange(node, of: axis)
      return AxisValues(items: [Located(.range(range), node.place)], place: node.place)
    }
    let items = try node.items(axis).flatMap { item -> [Located<AxisValues.Item>] in
      if item.isMapping { return [Located(.range(try readRange(item, of: axis)), item.place)] }
      let text = try item.text("a value of \(axis)")
      return try AxisValues(text.value, axis: axis, at: text.place).items
    }
    guard !items.isEmpty else { throw SuiteFault.noValue(axis: axis, node.place) }
    return AxisValues(items: items, place: node.place)
  }

  private static func readRange(_ node: SuiteNode, of axis: String) throws -> AxisRange {
    let fields = try node.fields("a range of \(axis)", known: ["from", "to", "times", "plus"])
    let from = try number(fields.required("from"), of: axis)
    let to = try number(fields.required("to"), of: axis)
    let step: AxisRange.Step
    switch (fields["times"], fields["plus"]) {
    case (let times?, nil): step = .times(try number(times, of: axis))
    case (nil, let plus?): step = .plus(try number(plus, of: axis))
    case (nil, nil): throw SuiteFault.missingKey("times", of: fields.what, node.place)
    case (_?, let plus?): throw SuiteFault.twoSteps(axis: axis, plus.place)
    }
    return try AxisRange(from: from, to: to, step: step, axis: axis, at: node.place)
  }

  private static func number(_ node: SuiteNode, of axis: String) throws -> Int {
    let text = try node.text("a range of \(axis)")
    guard let number = Int(text.value) else {
      throw SuiteFault.notANumber(text.value, axis: axis, words: [], text.place)
    }
    return number
  }
}

extension SuiteReader {
  private static func root(of text: String, _ path: String) throws -> SuiteNode {
    func place(_ mark: Mark) -> Place { .file(path, line: mark.line, column: mark.column) }
    let start = Place.file(path, line: 1, column: 1)
    if text.contains("*") { try refuseLongKeys(of: text, path) }
    do {
      guard let node = try Parser(yaml: text).singleRoot() else {
        throw SuiteFault.notYAML("it is empty", start)
      }
      guard case .mapping = node else {
        throw SuiteFault.notYAML("its top level is not a mapping of keys to values", start)
      }
      return SuiteNode(node: node, path: path)
    } catch let error as YamlError {
      switch error {
      case .scanner(let context, let problem, let mark, _),
        .parser(let context, let problem, let mark, _),
        .composer(let context, let problem, let mark, _):
        let words =
          problem.hasPrefix("Maximum nesting level")
          ? "it is nested too deep" : (context.map { "\($0.text), " } ?? "") + problem
        throw SuiteFault.notYAML(words, place(mark))
      case .duplicatedKeysInMapping(let keys, let context):
        throw SuiteFault.duplicateKey(keys.first ?? "", place(context.mark))
      case .reader(let problem, let offset, _, _):
        throw SuiteFault.notYAML(problem, placeOf(offset ?? 0, in: text, path))
      default:
        throw SuiteFault.notYAML("it is nested too deep, or is none that can be composed", start)
      }
    }
  }

  /// A key that repeats other nodes by aliases may stand for more of them than can be counted, and the
  /// parser compares keys: such a key is found in the text with its aliases read as plain words.
  private static func refuseLongKeys(of text: String, _ path: String) throws {
    let plain = text.replacing("*", with: "\u{E000}")
    guard let root = try? Parser(yaml: plain).singleRoot() else { return }
    var nodes = [root]
    while let node = nodes.popLast() {
      switch node {
      case .sequence(let sequence): nodes += sequence
      case .mapping(let mapping):
        for pair in mapping {
          let key = SuiteNode(node: pair.key, path: path)
          guard case .scalar(let scalar) = pair.key, !scalar.string.hasPrefix("\u{E000}") else {
            throw SuiteFault.wrongShape(
              "a key", wanted: "a single word", found: "a list, a mapping or an alias", key.place)
          }
          nodes.append(pair.value)
        }
      case .scalar, .alias: break
      }
    }
  }

  private static func placeOf(_ offset: Int, in text: String, _ path: String) -> Place {
    let before = text.prefix(offset).split(omittingEmptySubsequences: false) { $0.isNewline }
    return .file(path, line: before.count, column: (before.last?.count ?? 0) + 1)
  }
}
