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
      ?? environment["HOME"].map { "\($0)/.cache" } ?? NSTemporaryDirectory()
    self.machine = machine
    // Keys are sorted: the same machine gives the same text.
    path = "\(folder)/headroom/calibration-\(Digest(try JSONText.encode(machine)).text).json"
  }

  /// What is there; an empty one where nothing is.
  ///
  /// - Throws: `CalibrationFault` where there is a file that cannot be read: it is not overwritten.
  package func read() throws -> Calibration {
    guard let data = FileManager.default.contents(atPath: path) else {
      return Calibration(machine: machine)
    }
    struct SchemaKey: Decodable { let schema: String }
    let named = try? JSONText.decode(SchemaKey.self, from: data)
    if let named, named.schema != Calibration.schema {
      throw CalibrationFault.otherSchema(path, named.schema)
    }
    do {
      let found = try JSONText.decode(Calibration.self, from: data)
      // Two machines may share a hash.
      return found.machine == machine ? found : Calibration(machine: machine)
    } catch {
      throw CalibrationFault.unreadable(path)
    }
  }

  package func write(_ calibration: Calibration) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try JSONText.encode(calibration).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw CalibrationFault.cannotWrite(path, error.localizedDescription)
    }
  }
}

/// What can be wrong with a stored calibration.
package enum CalibrationFault: FaultConvertible, Hashable {
  case otherSchema(String, String)
  case unreadable(String)
  case cannotWrite(String, String)

  package var fault: Fault {
    switch self {
    case .otherSchema(let path, let schema):
      Fault(
        "the calibration has schema '\(schema)', and this program reads '\(Calibration.schema)'",
        at: path, fix: "use the version of headroom that wrote it, or remove the file")
    case .unreadable(let path):
      Fault(
        "the calibration cannot be read", at: path,
        fix: "remove the file, and calibrate again: headroom calibrate")
    case .cannotWrite(let path, let why):
      Fault(
        "the calibration cannot be written: \(why)", at: path,
        fix: "name another cache folder by XDG_CACHE_HOME")
    }
  }
}
