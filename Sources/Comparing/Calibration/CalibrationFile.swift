import Foundation
package import Quantities
package import Records

/// Where a machine's calibration lies: in the user's cache folder, a file a fingerprint.
package struct CalibrationFile: Sendable {
  package let path: String
  private let machine: Machine

  /// - Parameter environment: `XDG_CACHE_HOME`, else `HOME`, says where.
  package init(of machine: Machine, environment: [String: String]) throws {
    let folder =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
      ?? environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }.map { "\($0)/.cache" }
      ?? NSTemporaryDirectory()
    self.machine = machine
    // Keys are sorted: the same machine gives the same text.
    path = "\(folder)/headroom/calibration-\(Digest(try JSONText.encode(machine)).text).json"
  }

  /// What is there; an empty one where nothing is.
  ///
  /// - Throws: `CalibrationFault` where there is a file that cannot be read: it is not overwritten.
  package func read() throws -> Calibration {
    let input: InputFile
    do {
      input = try InputFile(path, as: Self.noun, fix: Self.mend)
    } catch let fault as InputFault where fault.reason == .missing {
      return Calibration(machine: machine)
    }
    let found = try Self.parse(input)
    // Two machines may share a hash.
    return found.machine == machine ? found : Calibration(machine: machine)
  }

  package static func parse(_ input: InputFile) throws -> Calibration {
    let path = input.path
    if let schema = StoredJSON.schema(of: input.bytes), schema != Calibration.schema {
      throw CalibrationFault.otherSchema(path, schema)
    }
    do throws(InputFault.Reason) {
      let found = try StoredJSON.decode(Calibration.self, from: input.bytes)
      if let defect = found.defect { throw .wrong(defect) }
      return found
    } catch {
      throw InputFault(path: path, noun: noun, reason: error, mend: mend)
    }
  }

  private static let noun = "calibration"
  private static let mend = "remove the file, and calibrate again: headroom calibrate"

  package func write(_ calibration: Calibration) throws {
    try OutputFile(path, mayReplace: true, fix: "name another cache folder by XDG_CACHE_HOME")
      .write(JSONText.encode(calibration))
  }
}

/// What can be wrong with a stored calibration.
package enum CalibrationFault: FaultConvertible, Hashable {
  case otherSchema(String, String)

  package var fault: Fault {
    switch self {
    case .otherSchema(let path, let schema):
      Fault(
        "the calibration has schema '\(schema)', and this program reads '\(Calibration.schema)'",
        at: path, fix: "use the version of headroom that wrote it, or remove the file")
    }
  }
}
