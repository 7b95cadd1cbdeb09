import Foundation
package import Quantities
package import Records

/// `headroom-accept.json`: committed beside the sources, so that a pull request shows what it accepts.
package enum AcceptanceFile {
  private static let noun = "file of acceptances"
  package static let usualPath = "headroom-accept.json"

  /// - Parameter mayBeMissing: whether no file stands for nothing accepted.
  package static func read(_ path: String, mayBeMissing: Bool) throws -> Acceptances {
    let input: InputFile
    do {
      input = try InputFile(
        path, as: noun, fix: "write it with: headroom accept --accept \(path) --from RESULT …")
    } catch let fault as InputFault where fault.reason == .missing && mayBeMissing {
      return Acceptances()
    }
    return try parse(input)
  }

  package static func parse(_ input: InputFile) throws -> Acceptances {
    let path = input.path
    if let schema = StoredJSON.schema(of: input.bytes), schema != Acceptances.schema {
      throw AcceptanceFault.otherSchema(path, schema)
    }
    let found: Acceptances
    do throws(InputFault.Reason) {
      found = try StoredJSON.decode(Acceptances.self, from: input.bytes)
    } catch {
      throw InputFault(
        path: path, noun: noun, reason: error,
        mend: "restore the file, or write it anew with headroom accept")
    }
    for entry in found.accepted {
      guard (0...1e6).contains(entry.atMost), entry.because.contains(where: { !$0.isWhitespace })
      else {
        throw InputFault(
          path: path, noun: noun,
          reason: .wrong("an entry of \(entry.case) has no reason, or an at_most that cannot be"),
          mend: "write it anew with headroom accept")
      }
      guard day(entry.until) != nil else { throw AcceptanceFault.badDay(entry.until, at: path) }
    }
    return found
  }

  package static func write(_ acceptances: Acceptances, to path: String) throws {
    try OutputFile(path, mayReplace: true)
      .write(JSONText.encode(acceptances, pretty: true) + Data("\n".utf8))
  }

  /// A day as 2027-01-31, where there is such a day.
  package static func day(_ text: String) -> String? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], text.allSatisfy({ $0.isASCII }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      (1...12).contains(month), day >= 1
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return day <= days[month - 1] ? text : nil
  }
}

extension Acceptances {
  /// Adds what a result's regressed cases need to pass: an entry for each metric.
  ///
  /// Times get room up to the upper end of their interval, since the next run's median strays; counts
  /// as much as they grew.
  package mutating func accept(
    _ pattern: String, of result: GateResult, until: String, today: String, because: String,
    who: String
  ) throws -> [Acceptance] {
    guard let until = AcceptanceFile.day(until) else {
      throw AcceptanceFault.badDay(until, at: "--until")
    }
    guard until >= today else { throw AcceptanceFault.past(until) }
    guard because.contains(where: { !$0.isWhitespace }) else { throw AcceptanceFault.noReason }
    let regressed = result.cells.filter { $0.judged.verdict == .regressed }
    let chosen = regressed.filter { Acceptance.matches($0.name, pattern) }
    guard !chosen.isEmpty else {
      throw AcceptanceFault.nothing(pattern, regressed: regressed.map(\.name))
    }
    let metrics = Set(chosen.flatMap(\.judged.regressed)).sorted()
    let new = metrics.map { metric in
      let growths = chosen.compactMap { cell -> Double? in
        guard metric == JudgedCase.time else { return cell.growth(of: metric) }
        return cell.judged.change?.high ?? cell.judged.change?.median
      }
      let largest = growths.max() ?? 0
      return Acceptance(
        suite: result.suite.name, case: pattern, metric: metric,
        atMost: (largest * 1000).rounded(.up) / 1000, because: because, who: who, until: until)
    }
    new.forEach { add($0) }
    return new
  }
}

/// What can be wrong with an acceptance.
package enum AcceptanceFault: FaultConvertible, Hashable {
  case otherSchema(String, String)
  case badDay(String, at: String)
  case past(String)
  case noReason
  case nothing(String, regressed: [String])

  package var fault: Fault {
    switch self {
    case .otherSchema(let path, let schema):
      Fault(
        "the acceptances have schema '\(schema)', and this program reads '\(Acceptances.schema)'",
        at: path, fix: "use the version of headroom that wrote them")
    case .badDay(let text, let place):
      Fault("'\(text)' is no day", at: place, fix: "write year, month and day, as 2027-01-31")
    case .past(let day):
      Fault("\(day) is over", at: "--until", fix: "name a day to come")
    case .noReason:
      Fault("there is no reason", at: "--because", fix: "say why the slow-down is worth it")
    case .nothing(let pattern, let regressed):
      Fault(
        "no case that regressed matches '\(pattern)'", at: "--case",
        fix: regressed.isEmpty
          ? "there is nothing to accept: no case of this result regressed"
          : "name one of: \(regressed.joined(separator: " "))")
    }
  }
}
