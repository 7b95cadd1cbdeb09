import OrderedCollections

/// hyperfine's `--export-json`: each run of a command is a process of its own.
///
/// - Source: sharkdp/hyperfine, "Export results".
enum HyperfineFile {
  static func results(_ file: JSONValue, _ path: String) throws -> ResultSet {
    var set = ResultSet(tool: .hyperfine, machine: nil)
    for row in try ForeignRow.rows(file, "results", path) {
      var key = ResultKey(try row.requiredText("command"))
      if case .object(let parameters)? = row.fields["parameters"] {
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
          key.settings[name] = value.setting
        }
      }
      var found = ResultCase()
      if case .list(let codes)? = row.fields["exit_codes"] {
        // A run that a signal ended has none.
        let bad = codes.first { if case .number(0) = $0 { false } else { true } }
        found.failure = bad.map {
          $0.setting.map { "a run of it left with \($0)" } ?? "a run of it was ended by a signal"
        }
      }
      let times = try row.numbers("times") ?? []
      let median = try row.number("median")
      for time in times.isEmpty ? [median].compactMap(\.self) : times {
        found.add(seconds: time, from: "hyperfine")
      }
      if set.results[key] != nil {
        set.notes.append("\(path): '\(key.name)' stands there twice: its runs are taken together")
      }
      set.results[key, default: ResultCase()].merge(found)
    }
    return set
  }
}
