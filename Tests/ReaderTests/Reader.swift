import Comparing
import Foundation
import Measuring
import MemoryPlanning
import ModelFiles
import Planning
import Quantities
import Records
import Reporting
import Running

/// Each way by which bytes of others come into the program, with what is made of them there: what
/// arithmetic a number meets shows only where it is used.
enum Reader: String, CaseIterable, Codable {
  case run, results, gate, accept, calibration, suite, history, answer, safetensors, heap, settings
  case figures

  /// Whole inputs, which mutations start from.
  var seeds: [String] {
    switch self {
    case .run: ["run.jsonl"]
    case .results: ["google.json", "llama.jsonl", "hyperfine.json", "go.txt", "gate.json"]
    case .gate: ["gate.json", "gate-unfinished.jsonl"]
    case .accept: ["accept.json"]
    case .calibration: ["calibration.json"]
    case .suite: ["suite.yaml"]
    case .history: ["history.sqlite"]
    case .answer: ["answers.jsonl"]
    case .safetensors: ["weights.safetensors"]
    case .heap: ["exact.heap", "sampled.heap"]
    case .settings: ["settings.jsonl"]
    case .figures: ["figures.csv"]
    }
  }

  /// Reads the bytes and uses what they hold.
  ///
  /// - Parameter folder: for readers that want a file.
  /// - Returns: `read`, or the words of the fault.
  func outcome(of bytes: Data, in folder: String) -> String {
    do {
      try use(bytes, folder)
      return "read"
    } catch let error as any FaultConvertible {
      return error.fault.what
    } catch {
      return "an error without words: \(error)"
    }
  }

  private func use(_ bytes: Data, _ folder: String) throws {
    func input() throws -> InputFile { try InputFile(bytes, from: "f", as: "file") }
    switch self {
    case .run:
      let run = try RunFile.parse(input())
      let report = Report(runs: [run])
      let document = SweepDocument.make(report)
      _ = TerminalFormat.lines(document)
      _ = try JSONReport.data(report)
      _ = try MarkdownFormat.text(document)
      _ = CSVReport.text(report)
      try compare(ResultSet(run))
    case .results: try compare(ResultReader.parse(input()))
    case .gate:
      switch try GateReplay.parse(input()) {
      case .result(let result):
        try show(result.replayed().answer, result.rule)
        try compare(ResultSet(result))
      case .timings(let timings): try show(timings.judged().answer, .standard)
      }
    case .accept:
      let acceptances = try AcceptanceFile.parse(input())
      let seed = try seedFile("gate.json")
      if case .result(var result) = try GateReplay.parse(seed) {
        result.accept(acceptances, today: "2026-01-01")
        try show(result.answer, result.rule)
      }
    case .calibration:
      let calibration = try CalibrationFile.parse(input())
      _ = TerminalFormat.lines(CalibrationDocument.make(calibration))
      _ = calibration.relinks(of: "ci").map(\.floor)
    case .suite: _ = try SuiteReader.parse(try input().text, path: "f")
    case .history:
      let path = folder + "/h.sqlite"
      for end in ["", "-journal", "-wal", "-shm"] { unlink(path + end) }
      try bytes.write(to: URL(fileURLWithPath: path))
      let series = try History(path, mayMake: false).series(matching: "*")
      _ = TerminalFormat.lines(HistoryDocument.make(series))
      _ = TerminalFormat.lines(
        HistoryChangesDocument.make(HistoryChanges(in: series, direction: .slower)))
    case .answer:
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        _ = try Answer.read(String(decoding: line, as: UTF8.self))
      }
    case .safetensors:
      let path = folder + "/h.safetensors"
      // Some file systems flush a file that is written over.
      unlink(path)
      try bytes.write(to: URL(fileURLWithPath: path))
      let file = try SafetensorsFile(path)
      for tensor in file.tensors {
        let bytes = try file.bytes(of: tensor.name)
        if let type = tensor.type, Double.holds.contains(type) {
          let values: [Double] = try file.values(of: tensor.name)
          precondition(values.count * type.bits == bytes.count * 8)
        }
      }
    case .heap:
      _ = HeapProfileReader.headline(of: bytes)
      let heap = try HeapProfileReader.parse(input())
      // No file that a mutated path names is opened: only this reader's own words are used.
      let ranking = AllocationSites.rank(heap) { address in
        let isKnown = heap.mappings.contains { $0.start <= address && address < $0.end }
        return ProgramFrame(function: isKnown ? "f\(address % 7)" : nil, object: "o")
      }
      precondition(ranking.others >= .zero)
    case .settings:
      let answers = Result { try FitLines.answers(bytes, threads: 2) }
      // The first line that has no answer ends the reading: those behind it are asked, too.
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        _ = try? FitLines.answers(line, threads: 2)
      }
      for answer in try answers.get() {
        precondition(answer.low <= answer.high)
        _ = answer.json
      }
    case .figures:
      let answers = try KnownRow.read(input().text).map(KnownAnswer.init)
      _ = TerminalFormat.lines(ScoreDocument.make(answers))
    }
  }

  private func compare(_ set: ResultSet) throws {
    let diff = Diff(set, set, noise: .unavailable("not calibrated"))
    _ = TerminalFormat.lines(DiffDocument.make(diff))
    _ = try MarkdownFormat.text(DiffDocument.make(diff))
    for format in ForeignFormat.allCases { _ = try format.data(set) }
  }

  private func show(_ answer: GateAnswer, _ rule: GateRule) throws {
    let document = GateDocument.make(answer, rule: rule)
    _ = TerminalFormat.lines(document)
    _ = try MarkdownFormat.text(document)
    _ = GateJUnit.data(answer, allowsInconclusive: false)
    _ = GateAnnotations.lines(answer, allowsInconclusive: false)
  }

  private func seedFile(_ seed: String) throws -> InputFile {
    try InputFile(Self.seed(seed), from: seed, as: "file")
  }

  static func seed(_ name: String) throws -> Data {
    try Data(
      contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Seeds/\(name)"))
  }
}
