package import Comparing
import Foundation
import Glibc
import Records

/// Keeps a gate's result on the disk while the gate runs, so that whatever ends it, the blocks so far can be
/// judged: the document as it was before any block, and below it a line for each. At the end the document
/// takes their place.
///
/// What was in the file stays until there is a block.
package final class GateResultWriter {
  private let path: String
  private let opening: GateResult
  private var lines: AppendedFile?

  /// - Parameters:
  ///   - path: a file that is ours: nobody else writes it, and what it holds may go.
  ///   - opening: the result before any block.
  package init(_ path: String, opening: GateResult) {
    self.path = path
    self.opening = opening
  }

  /// A pipe or a device has no use for what will be replaced.
  private var isFile: Bool { FileStatus(path)?.isRegular ?? true }

  package func append(_ entry: GateResult.Entry) throws {
    guard isFile else { return }
    do {
      if let lines { try lines.append(entry) } else { lines = try begun(with: entry) }
    } catch let error as SystemError {
      throw OutputFault.cannotWrite(path, error.words, fix: Self.mend)
    }
  }

  /// Writes the document alone.
  package func finish(_ result: GateResult) throws {
    lines = nil
    try output.write(JSONText.encode(result))
  }

  /// Writes what there is where the gate did not come to its end; nothing where there is no block.
  package func interrupt(_ result: GateResult) {
    guard lines != nil else { return }
    // The lines that are there say the same.
    try? finish(result)
  }

  /// In one step: a document without a line below it is one of a gate that has ended.
  private func begun(with entry: GateResult.Entry) throws -> AppendedFile {
    let lineBreak = Data("\n".utf8)
    let lines = try JSONText.encode(opening) + lineBreak + JSONText.encode(entry) + lineBreak
    try output.write(lines)
    return try AppendedFile(File(path, O_WRONLY), from: lines.count)
  }

  private var output: OutputFile { OutputFile(path, mayReplace: true, fix: Self.mend) }
  private static let mend = "name another with -o"
}
