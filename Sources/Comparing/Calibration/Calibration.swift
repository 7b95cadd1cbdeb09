package import Quantities
package import Records
import RealModule

/// What one machine's times do while no code changes: from session to session, and from link to link.
package struct Calibration: Codable, Sendable {
  package static let schema = "headroom.calibration/1"
  package private(set) var schema = Self.schema
  package let machine: Machine
  package private(set) var sessions: [Session] = []
  package private(set) var relinks: [Relinks] = []

  package init(machine: Machine) { self.machine = machine }

  /// One look at all cases of a suite, a fresh process each.
  package struct Session: Codable, Sendable {
    package let at: String
    package let suite: String
    /// What was run: sessions of one program alone are compared.
    package let program: String
    /// Seconds a call, by case.
    package let seconds: [String: Double]

    package init(at: String, suite: String, program: String, seconds: [String: Double]) {
      self.at = at
      self.suite = suite
      self.program = program
      self.seconds = seconds
    }
  }

  /// A program against itself, linked anew in another order.
  package struct Relinks: Codable, Sendable {
    package let at: String
    package let suite: String
    package let builds: Int
    /// Of each case, each build's median difference of logarithms.
    package let differences: [String: [Double]]

    package init(at: String, suite: String, builds: Int, differences: [String: [Double]]) {
      self.at = at
      self.suite = suite
      self.builds = builds
      self.differences = differences
    }

    /// The maximum that any case moved by, as a share: below it, a difference may be the linker's.
    package var floor: Double {
      .expMinusOne(differences.values.joined().map(abs).max() ?? 0)
    }
  }

  package mutating func add(_ session: Session) { sessions.append(session) }

  /// A suite's latest relinks count.
  package mutating func add(_ relinks: Relinks) {
    self.relinks.removeAll { $0.suite == relinks.suite }
    self.relinks.append(relinks)
  }

  package func relinks(of suite: String) -> Relinks? { relinks.first { $0.suite == suite } }

  /// Sessions that a deviation needs at the least: that of six is known to a third.
  package static let fewestSessions = 6

  /// Pooled over cases, each about its own mean over the sessions of one program.
  package var sessionNoise: Reading<SessionNoise> {
    var squares = 0.0
    var freedom = 0
    var counted = 0
    let groups = Dictionary(grouping: sessions) { "\($0.suite) \($0.program)" }.values
    for group in groups where group.count > 1 {
      counted += group.count
      var logarithms: [String: [Double]] = [:]
      for session in group {
        for (name, seconds) in session.seconds {
          logarithms[name, default: []].append(.log(seconds))
        }
      }
      for values in logarithms.values where values.count > 1 {
        let mean = values.reduce(0, +) / Double(values.count)
        squares += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        freedom += values.count - 1
      }
    }
    guard counted >= Self.fewestSessions, freedom > 0 else {
      return .unavailable(
        "what sessions of this machine differ by rests on \(max(counted, sessions.count)) of the "
          + "\(Self.fewestSessions) sessions of one program that it needs: headroom calibrate")
    }
    return .measured(
      SessionNoise(deviation: .sqrt(squares / Double(freedom)), sessions: counted))
  }
}

/// How far the same program's times stray from session to session on one machine.
package struct SessionNoise: Hashable, Codable, Sendable {
  /// Standard deviation of the logarithm of a session's time.
  package let deviation: Double
  /// How many sessions it rests on.
  package let sessions: Int

  package init(deviation: Double, sessions: Int) {
    self.deviation = deviation
    self.sessions = sessions
  }
}

extension Calibration {
  /// What cannot be in a stored one, in words.
  var defect: String? {
    for session in sessions {
      if let bad = session.seconds.first(where: { !($0.value > 0 && $0.value.isFinite) }) {
        return "'\(bad.key)' took \(bad.value) s"
      }
    }
    for relinks in relinks {
      // Its logarithm: further than e² a link moves nothing.
      if let bad = relinks.differences.first(where: { $0.value.contains { !(abs($0) < 2) } }) {
        return "relinking moved '\(bad.key)' by more than can be"
      }
    }
    return nil
  }
}
