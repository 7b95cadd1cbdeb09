package import Foundation

/// A result for people, whatever the format: a format is a pure function of it.
package struct Document: Sendable {
  package let title: String
  package private(set) var parts: [Part] = []
  /// The same result as scripts read it: its form is a contract of its own.
  private let figures: @Sendable () throws -> Data

  package init(_ title: String, figures: @escaping @Sendable () throws -> Data) {
    self.title = title
    self.figures = figures
  }

  /// What a reader meets, one after the other.
  package struct Part: Sendable {
    package let element: Element
    package let audience: Audience
  }

  package enum Element: Sendable {
    /// A title of what follows; 2 is a chapter, 3 a part of one.
    case heading(String, level: Int)
    case paragraph(String, Tone)
    /// Names, each with what is to be said of it.
    case fields([Field])
    case table(Table)
    /// What explains the rest; a list in pages.
    case notes([String])
    /// Command lines that a reader may want to run.
    case commands(title: String, [String])
  }

  package struct Field: Sendable {
    package let name: String
    package let text: String
    package let tone: Tone

    package init(_ name: String, _ text: String, _ tone: Tone = .plain) {
      self.name = name
      self.text = text
      self.tone = tone
    }
  }

  package mutating func add(_ element: Element, for audience: Audience = .everyone) {
    parts.append(Part(element: element, audience: audience))
  }

  /// Nothing where the words are empty.
  package mutating func say(
    _ words: String, _ tone: Tone = .plain, for audience: Audience = .everyone
  ) {
    if !words.isEmpty { add(.paragraph(words, tone), for: audience) }
  }

  /// The elements that an audience is shown, in their order.
  func elements(for audience: Audience) -> [Element] {
    parts.filter { $0.audience.contains(audience) }.map(\.element)
  }

  package func json() throws -> Data { try figures() }
}

/// Who is shown a part: a terminal has 80 columns and one look, a page has room.
package struct Audience: OptionSet, Sendable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let terminal = Audience(rawValue: 1)
  package static let page = Audience(rawValue: 2)
  package static let everyone: Audience = [.terminal, .page]
}

/// What a format may colour: words stay the same without.
package enum Tone: Sendable, Hashable {
  case plain
  case strong
  case quiet
  case warning
  case failure
}
