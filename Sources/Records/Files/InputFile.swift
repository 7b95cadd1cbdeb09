package import Foundation
import Glibc
package import Quantities

/// The one place that reads what a user names: a file, a pipe or a FIFO, as UTF-8 text.
package struct InputFile: Sendable {
  /// What the user named.
  package let path: String
  /// UTF-8 without a byte-order mark; lines end with `\n` alone.
  package let bytes: Data
  /// As they were read.
  package let raw: Data

  /// The largest input that is read: a run of 40,000 cases has half of it.
  package static let largest = Bytes.mebibytes(256)

  /// - Parameters:
  ///   - noun: what the input should be, as `run file`.
  ///   - mend: how a missing one comes about.
  ///   - limit: an input that is larger is refused before it is taken in.
  package init(
    _ path: String, as noun: String, fix mend: String? = nil, atMost limit: Bytes = largest
  ) throws {
    func fault(_ reason: InputFault.Reason) -> InputFault {
      InputFault(path: path, noun: noun, reason: reason, mend: mend)
    }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw fault(InputFault.Reason(errno: errno)) }
    defer { close(file) }
    var bytes = Data()
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count == 0 { break }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw fault(InputFault.Reason(errno: errno))
      }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= limit.count else { throw fault(.tooLarge(limit)) }
    }
    try self.init(bytes, from: path, as: noun, fix: mend)
  }

  /// The same of bytes that are there already.
  package init(
    _ raw: Data, from path: String, as noun: String, fix mend: String? = nil
  ) throws {
    self.path = path
    self.raw = raw
    do throws(InputFault.Reason) {
      bytes = try Self.text(raw)
    } catch {
      throw InputFault(path: path, noun: noun, reason: error, mend: mend)
    }
  }

  /// The text as a string: the bytes were found to be UTF-8.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  private static func text(_ raw: Data) throws(InputFault.Reason) -> Data {
    let start = [UInt8](raw.prefix(4))
    if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF])
      || (start.count == 4 && (start[0] == 0) != (start[1] == 0)
        && (start[2] == 0) != (start[3] == 0))
    {
      throw .utf16
    }
    if start.starts(with: [0x1F, 0x8B]) || start.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
      || start.starts(with: [0xFD, 0x37, 0x7A, 0x58]) || start.starts(with: [0x42, 0x5A, 0x68])
    {
      throw .compressed
    }
    let bytes = start.starts(with: [0xEF, 0xBB, 0xBF]) ? raw.dropFirst(3) : raw
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .notUTF8(line: firstBadLine(bytes))
    }
    guard bytes.contains(UInt8(ascii: "\r")) else { return Data(bytes) }
    var unix = Data(capacity: bytes.count)
    var isAfterReturn = false
    for byte in bytes {
      let isReturn = byte == UInt8(ascii: "\r")
      if byte == UInt8(ascii: "\n"), isAfterReturn {
        isAfterReturn = false
        continue
      }
      unix.append(isReturn ? UInt8(ascii: "\n") : byte)
      isAfterReturn = isReturn
    }
    return unix
  }

  private static func firstBadLine(_ bytes: Data) -> Int {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
  }
}

/// Why an input cannot be read, told apart and worded for all commands and formats.
package struct InputFault: FaultConvertible, Hashable {
  package let path: String
  package let noun: String
  package let reason: Reason
  package let mend: String?

  package init(path: String, noun: String, reason: Reason, mend: String? = nil) {
    self.path = path
    self.noun = noun
    self.reason = reason
    self.mend = mend
  }

  package enum Reason: Error, Hashable, Sendable {
    case missing
    case folder
    case noPermission
    case unreadable(String)
    case tooLarge(Bytes)
    case utf16
    case notUTF8(line: Int)
    case compressed
    case empty
    /// A JSON text that ends in the middle of a value.
    case cutOff
    /// What stands where in a JSON text cannot be.
    case wrong(String)

    init(errno code: Int32) {
      switch code {
      case ENOENT, ENOTDIR: self = .missing
      case EISDIR: self = .folder
      case EACCES, EPERM: self = .noPermission
      default: self = .unreadable(strerror(code).map { String(cString: $0) } ?? "errno \(code)")
      }
    }
  }

  package var fault: Fault {
    let what: String
    let fix: String?
    switch reason {
    case .missing: (what, fix) = ("there is no \(noun) to read", mend ?? "name a file that exists")
    case .folder: (what, fix) = ("the \(noun) is a folder", "name a file in it")
    case .noPermission:
      (what, fix) = (
        "the \(noun) may not be read: permission denied", "see its owner and mode: ls -l"
      )
    case .unreadable(let why): (what, fix) = ("the \(noun) cannot be read: \(why)", mend)
    case .tooLarge(let limit):
      (what, fix) = (
        "the \(noun) is larger than \(limit), and no more is read",
        "split it into several"
      )
    case .utf16:
      (what, fix) = (
        "the \(noun) is UTF-16 text, and UTF-8 is read",
        "convert it: iconv -f UTF-16 -t UTF-8 FILE; in PowerShell write it with Out-File -Encoding utf8"
      )
    case .notUTF8(let line):
      (what, fix) = (
        "the \(noun) is no UTF-8 text: line \(line) has bytes that are none", "save it as UTF-8"
      )
    case .compressed:
      (what, fix) = ("the \(noun) is compressed", "unpack it first, as with: gunzip FILE")
    case .empty: (what, fix) = ("the \(noun) is empty", mend ?? "write it again")
    case .cutOff:
      (what, fix) = (
        "the \(noun) is cut off: it ends in the middle of a value",
        "give it whole: copy it again, or write it again"
      )
    case .wrong(let why): (what, fix) = ("the \(noun) cannot be read: \(why)", mend)
    }
    return Fault(what, at: path, fix: fix)
  }
}
