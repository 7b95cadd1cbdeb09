import Glibc
import Quantities

/// Where texts of `/proc` and `/sys` come from: the machine, or a test's own words for one.
package struct FileSource: Sendable {
  /// The text at an absolute path; nil where it is missing or may not be read.
  package let text: @Sendable (_ path: String) -> String?
  /// The names in a directory, sorted; empty where there is no such directory.
  package let names: @Sendable (_ directory: String) -> [String]

  package init(
    text: @escaping @Sendable (_ path: String) -> String?,
    names: @escaping @Sendable (_ directory: String) -> [String]
  ) {
    self.text = text
    self.names = names
  }

  /// The machine that the program runs on.
  package static let system = FileSource(text: systemText, names: systemNames)

  /// Files by absolute path, for tests; directories follow from the paths.
  package static func texts(_ texts: [String: String]) -> FileSource {
    FileSource(
      text: { texts[$0] },
      names: { directory in
        let prefix = directory + "/"
        let below = texts.keys.filter { $0.hasPrefix(prefix) }.compactMap {
          $0.dropFirst(prefix.count).split(separator: "/").first.map(String.init)
        }
        return Set(below).sorted()
      })
  }

  /// A value out of one file, or the reason that names the file.
  func reading<Value>(
    _ path: String, _ what: String, parse: (String) -> Value?
  ) -> Reading<Value> {
    guard let text = text(path) else {
      return .unavailable("\(path) is missing or cannot be read")
    }
    guard let value = parse(text) else { return .unavailable("\(path) holds no \(what)") }
    return .measured(value)
  }
}

/// Reads to the end, since files of `/proc` tell no size beforehand.
@Sendable private func systemText(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16384)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { return nil }
    guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
    bytes += chunk[..<count]
  }
}

@Sendable private func systemNames(_ directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}
