extension DecodingError {
  /// What is wrong with a JSON text, and where, in words.
  package var place: String {
    switch self {
    case .keyNotFound(let key, let context):
      "'\(key.stringValue)' is missing at \(Self.words(context.codingPath))"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(Self.words(context.codingPath)) is not of the kind it must be"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "it is not whole JSON" : "\(Self.words(context.codingPath)) is wrong"
    @unknown default: "it is not of this form"
    }
  }

  private static func words(_ path: [any CodingKey]) -> String {
    path.isEmpty
      ? "the top"
      : path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
  }
}
