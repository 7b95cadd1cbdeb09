import Rainbow

/// Colour, where there is a terminal to show it: words stay the same without.
struct Paint {
  let isTerminal: Bool

  func head(_ text: String) -> String { isTerminal ? text.bold : text }
  func warning(_ text: String) -> String { isTerminal ? text.yellow : text }

  func callAsFunction(_ tone: Tone) -> (String) -> String {
    guard isTerminal else { return { $0 } }
    return switch tone {
    case .plain: { $0 }
    case .strong: { $0.bold }
    case .quiet: { $0.lightBlack }
    case .warning: { $0.yellow }
    case .failure: { $0.red }
    }
  }
}
