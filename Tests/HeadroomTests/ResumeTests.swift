import Foundation
import OrderedCollections
import Quantities
import Records
import Testing

@Suite(.serialized) struct ResumeTests {
  private let program: Program
  private static let sweep =
    ["sweep", "--workload", "self-test", "-a", "nanoseconds=20000,30000,40000,50000"]
    + ["--budget", "100ms", "-o", "run.jsonl"] + Program.last

  init() throws { program = try Program() }

  private func lines() throws -> [Substring] {
    try program.read("run.jsonl").split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// A whole run, cut back to its header, `records` lines and a torn piece of the next.
  private func cutShort(after records: Int) async throws -> [Substring] {
    #expect(try await program.run(Self.sweep).code == 0)
    let kept = Array(try lines().prefix(1 + records))
    let torn = try lines()[1 + records].prefix(40)
    _ = try program.write((kept + [torn]).joined(separator: "\n"), to: "run.jsonl")
    return kept
  }

  @Test func `a torn run is gone on with, and finished cases are not run again`() async throws {
    defer { program.remove() }
    let kept = try await cutShort(after: 2)
    let resumed = try await program.run(Self.sweep + ["--resume"])
    #expect(resumed.code == 0)
    #expect(Array(try lines().prefix(3)) == kept)
    let records = try program.records("run.jsonl")
    #expect(records.count == 4 && Set(records.map(\.case.id)).count == 4)
    // The table holds the finished cases, too.
    let again = try await program.run(["report", "run.jsonl"])
    #expect(Set(again.output.split(separator: "\n")) == Set(resumed.output.split(separator: "\n")))
  }

  @Test func `a report of a torn run leaves the piece out and says so`() async throws {
    defer { program.remove() }
    _ = try await cutShort(after: 1)
    let report = try await program.run(["report", "run.jsonl"])
    #expect(report.code == 0)
    #expect(report.errors.contains("the last line was cut short by a kill"))
    #expect(report.errors.contains("3 of 4 planned cases have no record"))
  }

  @Test func `another suite is refused, and the file stays as it was`() async throws {
    defer { program.remove() }
    _ = try await cutShort(after: 1)
    let before = try program.read("run.jsonl")
    var changed = Self.sweep
    changed[4] = "nanoseconds=20000,30000,40000,50000,60000"
    let resumed = try await program.run(changed + ["--resume"])
    #expect(resumed.code == 2)
    #expect(resumed.errors.contains("the run was made of another suite, or of other cases of it"))
    #expect(try program.read("run.jsonl") == before)
  }

  @Test func `another machine is not comparable, and the file stays as it was`() async throws {
    defer { program.remove() }
    _ = try await cutShort(after: 1)
    var run = try program.read("run.jsonl")
    let model = try #require(run.firstRange(of: #""cpu_model":""#))
    run.replaceSubrange(model, with: #""cpu_model":"Other "#)
    _ = try program.write(run, to: "run.jsonl")
    let resumed = try await program.run(Self.sweep + ["--resume"])
    #expect(resumed.code == 4)
    #expect(resumed.errors.contains("the run was made on another machine"))
    #expect(try program.read("run.jsonl") == run)
  }

  @Test func `an existing file is refused with both mends`() async throws {
    defer { program.remove() }
    _ = try program.write("mine", to: "run.jsonl")
    let swept = try await program.run(Self.sweep)
    #expect(swept.code == 2)
    #expect(swept.errors.contains("--resume") && swept.errors.contains("--replace"))
    #expect(try program.read("run.jsonl") == "mine")
  }

  @Test func `a line torn in the middle is not forgiven`() async throws {
    defer { program.remove() }
    #expect(try await program.run(Self.sweep).code == 0)
    var whole = try lines()
    whole[2] = whole[2].prefix(50)
    _ = try program.write(whole.joined(separator: "\n"), to: "run.jsonl")
    let report = try await program.run(["report", "run.jsonl"])
    #expect(report.code == 2)
    #expect(report.errors.contains("run.jsonl:3"))
  }

  @Test func `a run that is whole is not run again`() async throws {
    defer { program.remove() }
    #expect(try await program.run(Self.sweep).code == 0)
    let before = try program.read("run.jsonl")
    #expect(try await program.run(Self.sweep + ["--resume"]).code == 0)
    #expect(try program.read("run.jsonl") == before)
  }

  /// A limit on file sizes is a disk that is full. The shell counts in blocks of 512 bytes, and a
  /// record is longer than one block: behind two records that fill the disk no third one fits,
  /// however long the records of this run turn out to be.
  @Test func `a full disk keeps what was written, and the run goes on later`() async throws {
    defer { program.remove() }
    #expect(try await program.run(Self.sweep).code == 0)
    let two = try lines().prefix(3).map { $0 + "\n" }.joined()
    _ = try program.write(two, to: "run.jsonl")
    let room = (two.utf8.count + 511) / 512
    let cut = try await program.runLimited(fileBlocks: room, Self.sweep + ["--resume"])
    #expect(cut.code == 2)
    #expect(cut.errors.contains("a record could not be written: File too large"))
    #expect(cut.errors.contains("--resume"))
    let kept = try program.read("run.jsonl")
    #expect(kept == two)
    #expect(try await program.run(Self.sweep + ["--resume"]).code == 0)
    #expect(try program.read("run.jsonl").hasPrefix(kept))
    #expect(try program.records("run.jsonl").count == 4)
  }

  /// The parent is killed while a case hangs; its workers see the pipe close and leave. By this
  /// seed the hanging case is the third.
  @Test func `a killed parent leaves whole lines behind, which are gone on with`() async throws {
    defer { program.remove() }
    let sweep =
      ["sweep", "--workload", "self-test", "-a", "behaviour=busy,hang,unwritten,wrong"]
      + ["-a", "nanoseconds=20000", "--budget", "100ms", "--seed", "6", "-o", "run.jsonl"]
      + Program.last
    async let swept = program.run(sweep + ["--timeout", "300s"])
    let hanging = try await Workers.hanging(under: program)
    let parent = try #require(Workers.parent(of: hanging))
    kill(parent, SIGKILL)
    #expect(try await swept.code == nil)
    try await Workers.gone(from: program)
    let kept = try program.read("run.jsonl")
    let run = try RunFile.read(program.folder + "/run.jsonl")
    #expect(!run.tornLine)
    #expect(run.records.count == 2)

    let resumed = try await program.run(sweep + ["--timeout", "10s", "--resume"])
    #expect(resumed.code == 5)
    #expect(try program.read("run.jsonl").hasPrefix(kept))
    let outcomes = try program.records("run.jsonl").map { record in
      "\(record.case.axes["behaviour"]?.text ?? ""): \(record.outcome.name)"
    }
    #expect(
      outcomes.sorted() == [
        "busy: ok", "hang: timed-out", "unwritten: failed-check", "wrong: failed-check",
      ])
  }
}
