/// A word as a shell takes it: in quotes where it holds what a shell would read otherwise.
package func shellQuoted(_ text: String) -> String {
  if !text.isEmpty, text.allSatisfy(isPlain) { return text }
  let parts = text.split(separator: "'", omittingEmptySubsequences: false)
  return "'\(parts.joined(separator: "'\\''"))'"
}

private func isPlain(_ character: Character) -> Bool {
  character.isASCII && (character.isLetter || character.isNumber || "-_.:/+".contains(character))
}
