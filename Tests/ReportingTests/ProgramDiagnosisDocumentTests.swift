import Foundation
import Quantities
import Records
import Reporting
import Testing

@Suite struct ProgramDiagnosisDocumentTests {
  private static let long =
    "void at::native::(anonymous namespace)::fill_kernel<float, std::vector<int>>(at::Tensor&)"

  private static func diagnosis(_ ending: ProgramEnding = .exited(0)) -> ProgramDiagnosis {
    let place = ProgramFrame(function: "grow", object: "libgrow.so.1", source: "src/grow.c:12")
    let caller = ProgramFrame(function: long, object: "libcaller.so")
    return ProgramDiagnosis(
      command: ["python3", "-c", "x = 'a b'"], ending: ending, duration: Seconds(2),
      sampling: .init(interval: Seconds(0.05), looks: 40, processes: 3),
      peak: .measured(
        .init(
          anonymous: .mebibytes(300), file: .mebibytes(20), shared: .mebibytes(4), processes: 2,
          after: Seconds(1.5), counting: .proportional)),
      marks: .init(highWater: .measured(.mebibytes(200)), atEnd: .unavailable("it was not told")),
      group: .measured(
        .init(
          version: 2, peak: .unavailable("there is no memory.peak"), limitHits: .measured(1),
          kills: .measured(1))),
      machineKills: .measured(1),
      limits: .init(asked: .mebibytes(320), mechanism: .controlGroup),
      heap: .measured(
        .init(
          process: 7, inUse: .mebibytes(240), interval: .mebibytes(16), isSampled: true,
          sites: [
            .init(bytes: .mebibytes(180), objects: 3, frame: place, callers: [caller]),
            .init(
              bytes: .mebibytes(40), objects: 1, frame: .init(function: nil, object: "a"),
              callers: []),
          ], others: .mebibytes(20))))
  }

  @Test func `a diagnosis fits a terminal, and says each figure with what it is`() {
    let lines = TerminalFormat.lines(
      ProgramDiagnosisDocument.make(Self.diagnosis(.signaled(9))))
    #expect(lines.allSatisfy { $0.count <= 80 })
    // Words stand together however lines are broken.
    let text = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
    for words in [
      "python3 -c 'x = '\\''a b'\\''': SIGKILL ended it, after 2.00 s.",
      "The kernel killed a process of it at our limit of 320 MiB.",
      "324 MiB at the highest look: 300 MiB anonymous, 20.0 MiB of files, 4.00 MiB shared",
      "2 at the peak, 3 seen in all", "there is no memory.peak",
      "accounts for 80 % of the", "180 MiB 75.0 % 3 grow",
      "in libgrow.so.1, src/grow.c:12", "no name in a", "The profile is sampled",
    ] {
      #expect(text.contains(words))
    }
  }

  @Test func `the same is Markdown, and JSON with null beside a reason`() throws {
    let document = ProgramDiagnosisDocument.make(Self.diagnosis())
    #expect(try MarkdownFormat.text(document).contains("| 180 MiB | 75.0 % | 3 | grow |"))
    let json = try #require(
      try JSONSerialization.jsonObject(with: document.json()) as? [String: Any])
    #expect(json["schema"] as? String == "headroom.program/1")
    let memory = try #require(json["memory"] as? [String: Any])
    #expect(memory["anonymous_peak_bytes"] as? Int == 300 << 20)
    #expect(memory["at_end_bytes"] is NSNull)
    #expect(memory["at_end_bytes_unavailable"] as? String == "it was not told")
    let sites = (json["heap"] as? [String: Any])?["sites"] as? [[String: Any]]
    #expect(sites?.first?["function"] as? String == "grow")
    let callers = sites?.first?["callers"] as? [[String: Any]]
    #expect(callers?.first?["function"] as? String == Self.long)
  }

  @Test(arguments: [
    ("at::Tensor at::empty<int, std::vector<long>>(long) const", "at::Tensor at::empty<…>"),
    ("a::(anonymous namespace)::b(int)", "a::(anonymous namespace)::b"),
    ("malloc", "malloc"),
    ("std::operator<< <char>(int)", "std::operator<< <char>(int)"),
    ("a::b(int)::{lambda(int)#1}::c(float)", "a::b::{lambda#1}::c"),
    ("f<", "f<…>"), (")>", ")>"),
    (
      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
      "…nopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
    ),
  ])
  func `a name is shortened to what tells it from others`(name: String, short: String) {
    #expect(FunctionName.short(name, room: 40) == short)
  }
}
