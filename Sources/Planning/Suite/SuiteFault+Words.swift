package import Quantities

extension SuiteFault {
  // One switch, long as it is: the compiler sees to it that no fact is without words.
  package var fault: Fault {
    switch self {
    case .notYAML(let why, let place):
      Fault(
        "the suite cannot be read as YAML: \(why)", at: "\(place)",
        fix: "write keys as 'suite: name' and 'sweep:' with a list of workloads below it")
    case .duplicateKey(let key, let place):
      Fault("the key '\(key)' stands twice", at: "\(place)", fix: "keep one of the two")
    case .unknownKey(let key, let what, let known, let place):
      Fault("\(what) has no key '\(key)'", at: "\(place)", fix: choice(key, known))
    case .missingKey(let key, let what, let place):
      Fault("\(what) has no '\(key)'", at: "\(place)", fix: "add '\(key): …'")
    case .wrongShape(let what, let wanted, let found, let place):
      Fault("\(what) is \(found)", at: "\(place)", fix: "give it \(wanted)")
    case .badName(let name, let place):
      Fault(
        "'\(name)' cannot name a suite, since a file is named for it", at: "\(place)",
        fix: "use letters, digits, '-', '_' and '.'")
    case .badMeasure(let key, let text, let place):
      Fault("\(key.rawValue) is '\(text)'", at: "\(place)", fix: "give \(key.wanted)")
    case .badGate(let key, let text, let place):
      Fault("\(key.rawValue) is '\(text)'", at: "\(place)", fix: "give \(key.wanted)")
    case .emptySweep(let place):
      Fault(
        "the sweep is empty", at: "\(place)",
        fix: "add an entry below sweep: '- workload: matmul' with its axes")
    case .emptyCondition(let place):
      Fault(
        "where names no axis", at: "\(place)",
        fix: "name the axis values to skip: where: { m: 1 }")
    case .claimsNothing(let place):
      Fault(
        "a claim has neither memory nor time", at: "\(place)",
        fix: "say how many times the memory or the time its saver takes: memory: 0.58")
    case .claimWithoutSavers(let place):
      Fault(
        "no workload of the sweep has memory savers, of which claims are", at: "\(place)",
        fix: "add training-step to the sweep, or remove the claims")
    case .notARatio(let text, let key, let place):
      Fault(
        "\(key) is '\(text)', which is not a number above 0", at: "\(place)",
        fix: "write how many times as much it takes, as 0.58")
    case .unknownWorkload(let name, let known, let place):
      Fault("there is no workload '\(name)'", at: "\(place)", fix: choice(name, known))
    case .unknownAxis(let name, let workload, let known, let place):
      Fault("\(workload) has no axis '\(name)'", at: "\(place)", fix: choice(name, known))
    case .unknownWord(let word, let axis, let known, let place):
      Fault("\(axis) is '\(word)'", at: "\(place)", fix: choice(word, known))
    case .unknownVariant(let name, let workload, let known):
      Fault("\(workload) has no variant '\(name)'", fix: choice(name, known))
    case .inexpressibleModel(let name, let parts, let workload, let place):
      Fault(
        "\(name) has \(parts), which \(workload) does not compute", at: "\(place)",
        fix: "name another model, or give layers of that size axis by axis")
    case .beyondContext(let tokens, let axis, let model, let context, let place):
      Fault(
        "\(axis) is \(tokens), and \(model) knows \(context) positions", at: "\(place)",
        fix: "give at most \(context), or scale its positions by rope-scaling")
    case .axisTwice(let name, let place):
      Fault(
        "the axis '\(name)' is given twice", at: "\(place)",
        fix: "give all its values in one list")
    case .missingAxis(let name, let workload, let place):
      Fault(
        "\(workload) needs the axis '\(name)', which has no default", at: "\(place)",
        fix: place.isOption ? "add -a \(name)=…" : "add '\(name): …' to its axes")
    case .noValue(let axis, let place):
      Fault("\(axis) is given no value", at: "\(place)", fix: "give it one, or leave it out")
    case .notANumber(let text, let axis, let words, let place):
      Fault(
        "\(axis) is '\(text)', which is not a whole number", at: "\(place)",
        fix: "write \(words.map { "\($0), " }.joined())a number, a list (1,2,4) or a range "
          + "(1-64*2, 512-4096+512)")
    case .notAnAmount(let text, let axis, let place):
      Fault(
        "\(axis) is '\(text)', which is not an amount of memory", at: "\(place)",
        fix: "write it as 512MiB or 8GiB")
    case .notAShare(let text, let axis, let place):
      Fault(
        "\(axis) is '\(text)', which is not a number from 0 to less than 1", at: "\(place)",
        fix: "write a share, as 0.1")
    case .tooSmall(let text, let least, let axis, let place):
      Fault("\(axis) is \(text)", at: "\(place)", fix: "give a number from \(least) up")
    case .repeatedValue(let text, let axis, let place):
      Fault("\(axis) has the value \(text) twice", at: "\(place)", fix: "keep one of the two")
    case .rangeBackwards(let axis, let from, let to, let place):
      Fault(
        "the range of \(axis) goes from \(from) down to \(to)", at: "\(place)",
        fix: "begin with the smaller: from \(to) to \(from)")
    case .rangeNeverEnds(let axis, let from, let step, let place):
      Fault(
        "the range of \(axis) never ends: \(step) does not lead up from \(from)", at: "\(place)",
        fix: "begin at 1 or more, and multiply by 2 or more, or add 1 or more")
    case .rangeOfWords(let axis, let place):
      Fault("\(axis) takes no range", at: "\(place)", fix: "list its values")
    case .twoSteps(let axis, let place):
      Fault(
        "the range of \(axis) has both times and plus", at: "\(place)",
        fix: "keep one of the two")
    case .tooManyCases(let count, let limit, let place):
      Fault(
        "the sweep has \(count == .max ? "more than can be counted" : "\(count)") cases, and at "
          + "most \(limit) are planned", at: "\(place)",
        fix: "give fewer values here, or split the suite")
    case .tooLarge(let id, let place):
      Fault(
        "\(id) is more work than 64 bits can count", at: "\(place)",
        fix: "give its axes smaller numbers")
    case .noProblem(let what, let mend, let place):
      Fault(what, at: "\(place)", fix: mend)
    case .tooManyThreads(let threads, let cores, let place):
      Fault(
        "threads is \(threads), and there \(cores == 1 ? "is 1 core" : "are \(cores) cores")",
        at: "\(place)", fix: "use at most \(cores), or all")
    case .noContenders(let workload, let place):
      Fault(
        "\(workload) has no variant but the reference", at: "\(place)",
        fix: "name it: variant=reference")
    case .duplicateCase(let id, let first, let place):
      Fault(
        "the case \(id) stands twice, first at \(first)", at: "\(place)",
        fix: "remove one of the two")
    case .badFilter(let pattern, let why):
      Fault(
        "the filter is not a regular expression: \(why)", at: "--filter \(pattern)",
        fix: "mend it; headroom plan prints the case ids that it is held against")
    case .filterMatchesNothing(let pattern, let count):
      Fault(
        "none of \(counted(count, "case")) matches the filter",
        at: "--filter \(pattern)", fix: "headroom plan prints the case ids")
    case .badShard(let text):
      Fault(
        "'\(text)' is no shard", at: "--shard \(text)",
        fix: "write I/N with I from 1 to N, as in --shard 1/4")
    case .notAnAssignment(let text):
      Fault("'\(text)' gives no axis its values", at: "-a \(text)", fix: "write it as -a m=1,8")
    }
  }

  /// The nearest right name, or all of them.
  private func choice(_ word: String, _ known: [String]) -> String {
    if let nearest = nearestName(to: word, among: known) { return "did you mean '\(nearest)'?" }
    var seen: Set<String> = []
    return "use one of: " + known.filter { seen.insert($0).inserted }.joined(separator: ", ")
  }
}

extension MeasureKey {
  /// What a value of it looks like.
  fileprivate var wanted: String {
    switch self {
    case .within: "a percentage above 0, as in 1 %"
    case .budget, .timeout: "a time above 0, as in 5 s"
    case .runs: "a whole number from 1 up"
    case .memoryLimit: "an amount above 0, as in 8 GiB"
    case .seed: "a whole number from 0 up"
    }
  }
}
