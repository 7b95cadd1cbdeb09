import Foundation
import Quantities
import Records
import Testing

/// Figures that cannot be, each put in place of one that can.
@Suite struct RecordDefectTests {
  @Test func `a whole record has none`() {
    #expect(Specimen.record(run: 0).defect == nil)
    #expect(Specimen.header.defect == nil)
  }

  struct Change: CustomTestStringConvertible, Sendable {
    let words: String
    let change: @Sendable (inout Record) -> Void
    var testDescription: String { words }

    init(_ words: String, _ change: @escaping @Sendable (inout Record) -> Void) {
      self.words = words
      self.change = change
    }
  }

  @Test(arguments: [
    Change("process -1 is none") { $0.run = -1 },
    Change("it has 0 threads") { $0.threads = 0 },
    Change("a sample is of 0 calls") { $0.timing?.blocks[0].calls = 0 },
    Change("a block has no samples") { $0.timing?.blocks[0].samples = [] },
    Change("a sample took 0.0 s") { $0.timing?.blocks[0].samples = [0] },
    Change("a sample took -1.0 s") { $0.timing?.blocks[0].samples = [1, -1] },
    Change("a sample took inf s") { $0.timing?.blocks[0].samples = [.infinity] },
    Change("it was timed without blocks") { $0.timing?.blocks = [] },
    Change("its warm-up has no windows") { $0.timing?.warmUp.windows = [] },
    Change("its warm-up was cut at window 99") { $0.timing?.warmUp.cut = 99 },
    Change("it takes 0 copies in turn") { $0.timing?.rotation = 0 },
    Change("its ceiling is 0.0") { $0.timing?.ceiling?.flopsPerSecond = 0 },
    Change("-1 bytes are no amount") { $0.memory?.rotation = Bytes(-1) },
    Change("-1 bytes are no amount") { $0.memory?.ledger.phases[.run] = [.weights: Bytes(-1)] },
    Change("-1 bytes are no amount") { $0.predicted?.phases[.run] = [.weights: Bytes(-1)] },
    Change("the error of its check is nan") { $0.check?.ofFormat = .nan },
    Change("its outcome is ok, and its check is not") { $0.check?.passed = false },
    Change("its outcome is ok, and its check is not") { $0.check?.relative = 1e300 },
    Change("a point of its timeline is at -1.0 s") { $0.timeline?[0].seconds = -1 },
    Change("a point of its timeline is at nan s") { $0.timeline?[0].seconds = .nan },
    Change("-1 bytes are no amount") { $0.timeline?[0].live = [.weights: Bytes(-1)] },
    Change("its timeline has 65 points") { record in
      record.timeline = record.timeline.map { Array(repeating: $0[0], count: 65) }
    },
    Change("a point of its timeline is at 0.5 s") { record in
      record.timeline?.append(
        .init(seconds: 0.75, phase: .run, live: [:]))
      record.timeline?.append(.init(seconds: 0.5, phase: .run, live: [:]))
    },
    Change("-1 bytes are no amount") { $0.misfit?.needed = Bytes(-1) },
    Change("its preparation took -1.0 s") { $0.preparation?.seconds = Seconds(-1) },
  ])
  func `a figure that cannot be is told`(change: Change) {
    var record = Specimen.record(run: 0)
    record.outcome = .ok
    change.change(&record)
    #expect(record.defect?.hasPrefix(change.words) == true, "\(record.defect ?? "none")")
  }

  @Test(arguments: [
    (PublishedClaim(saver: "block", memory: 0, time: 1, source: "x"), "a claim of 'block' is 0.0"),
    (
      PublishedClaim(saver: "block", memory: 1, time: -2, source: "x"),
      "a claim of 'block' is -2.0"
    ),
    (
      PublishedClaim(saver: "block", memory: nil, time: nil, source: "x"),
      "a claim of 'block' has no figure"
    ),
  ])
  func `a claim that cannot be is told`(claim: PublishedClaim, words: String) {
    var header = Specimen.header
    header.suite.claims = [claim]
    #expect(header.defect == words)
  }
}
