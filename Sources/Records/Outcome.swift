/// How a case ended.
package enum Outcome: Hashable, Sendable {
  case ok
  /// Its result strayed from the reference by more than the tolerance; it was not timed.
  case failedCheck(reason: String)
  case outOfMemory(OutOfMemoryKind, reason: String)
  case timedOut(reason: String)
  /// The signal's name, `SIGKILL`, or `exit 3` for a worker that left by itself.
  case crashed(signal: String, reason: String)
  case skipped(reason: String)

  /// Three ways of running out of memory, told apart because each has another mend.
  package enum OutOfMemoryKind: String, Codable, Sendable {
    /// The ledger refused an allocation that would have passed the case's budget.
    case budget
    /// The operating system's limit above the budget was hit.
    case limit
    /// The kernel killed it for want of memory on the whole machine.
    case killed
  }

  /// The word in tables and files.
  package var name: String {
    switch self {
    case .ok: "ok"
    case .failedCheck: "failed-check"
    case .outOfMemory: "out-of-memory"
    case .timedOut: "timed-out"
    case .crashed: "crashed"
    case .skipped: "skipped"
    }
  }

  package var kind: String? {
    switch self {
    case .outOfMemory(let kind, _): kind.rawValue
    case .crashed(let signal, _): signal
    default: nil
    }
  }

  package var reason: String? {
    switch self {
    case .ok: nil
    case .failedCheck(let reason), .outOfMemory(_, let reason), .timedOut(let reason),
      .crashed(_, let reason), .skipped(let reason):
      reason
    }
  }

  /// Whether the case was run and did not end well, which makes the exit code 5.
  package var isFailure: Bool {
    switch self {
    case .ok, .skipped: false
    default: true
    }
  }
}

extension Outcome: CustomStringConvertible {
  package var description: String { kind.map { "\(name)(\($0))" } ?? name }
}

extension Outcome: Codable {
  private enum CodingKeys: String, CodingKey { case name, kind, reason }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    let reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? ""
    switch name {
    case "ok": self = .ok
    case "failed-check": self = .failedCheck(reason: reason)
    case "out-of-memory":
      self = .outOfMemory(try container.decode(OutOfMemoryKind.self, forKey: .kind), reason: reason)
    case "timed-out": self = .timedOut(reason: reason)
    case "crashed":
      self = .crashed(signal: try container.decode(String.self, forKey: .kind), reason: reason)
    case "skipped": self = .skipped(reason: reason)
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container, debugDescription: "'\(name)' is no outcome")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encodeIfPresent(kind, forKey: .kind)
    try container.encodeIfPresent(reason, forKey: .reason)
  }
}
