import Rainbow

/// Colour, where there is a terminal to show it: words stay the same without.
struct Paint {
  let isTerminal: Bool

  func head(_ text: String) -> String { isTerminal ? text.bold : text }
  func warning(_ text: String) -> String { isTerminal ? text.yellow : text }
  func failure(_ text: String) -> String { isTerminal ? text.red : text }
  func quiet(_ text: String) -> String { isTerminal ? text.lightBlack : text }
}
