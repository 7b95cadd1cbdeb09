/// A function's name as a table has room for it.
package enum FunctionName {
  /// Without what it is instantiated for and what it takes, which may be hundreds of characters.
  ///
  /// `at::native::fill_<float>(at::Tensor&, int)` is `at::native::fill_<…>`. Names of operators, which
  /// brackets are a part of, are left as they are.
  package static func short(_ name: String, room: Int) -> String {
    clipped(name.contains("operator") ? name : withoutBrackets(name), room)
  }

  private static func withoutBrackets(_ name: String) -> String {
    let anonymous = "(anonymous namespace)"
    var short = ""
    var depth = 0
    var rest = name[...]
    while let character = rest.first {
      if depth == 0, rest.hasPrefix(anonymous) {
        short += anonymous
        rest = rest.dropFirst(anonymous.count)
        continue
      }
      rest = rest.dropFirst()
      switch character {
      case "<", "(":
        if depth == 0, character == "<" { short += "<…>" }
        // Behind the arguments stands only what kind of function it is.
        if depth == 0, character == "(", !short.isEmpty, !rest.contains("::") { return short }
        depth += 1
      case ">", ")": depth = max(0, depth - 1)
      default: if depth == 0 { short.append(character) }
      }
    }
    return short.isEmpty ? name : short
  }

  /// The end says more than the beginning, which is the library's own namespace.
  private static func clipped(_ name: String, _ room: Int) -> String {
    name.count <= room ? name : "…" + name.suffix(max(1, room - 1))
  }
}
