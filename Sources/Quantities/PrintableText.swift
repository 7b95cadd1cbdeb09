extension String {
  /// The text as a terminal, a log or a page may safely show it: what would steer them (control
  /// characters, marks that reverse the direction of writing, separators of lines) stands there as its
  /// number, `\u{1B}`. Line breaks and tabs stay where `keepingLines` says so.
  package func printable(keepingLines: Bool = false) -> String {
    guard unicodeScalars.contains(where: { $0.isSteering }) else { return self }
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if !scalar.isSteering || (keepingLines && (scalar == "\n" || scalar == "\t")) {
        text.append(scalar)
      } else {
        text.append(
          contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      }
    }
    return String(text)
  }
}

extension Unicode.Scalar {
  package var isSteering: Bool {
    switch value {
    // C0, DEL and C1.
    case 0..<0x20, 0x7F..<0xA0: true
    // Marks, embeddings, overrides and isolates of direction; separators of lines and paragraphs.
    case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    // A byte-order mark, and tags.
    case 0xFEFF, 0xE0000...0xE007F: true
    default: false
    }
  }
}
