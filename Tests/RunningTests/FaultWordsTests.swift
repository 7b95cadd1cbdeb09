import Quantities
import Running
import Testing

@Suite struct FaultWordsTests {
  @Test(arguments: [
    (
      RunWriterFault.exists("a.jsonl"),
      Fault(
        "the run file exists", at: "a.jsonl",
        fix: "go on with it by --resume, overwrite it by --replace, or name another with -o")
    ),
    (
      .cannotOpen("a.jsonl", "Permission denied"),
      Fault(
        "the run file cannot be written: Permission denied", at: "a.jsonl",
        fix: "name another with -o")
    ),
    (
      .cannotWrite("a.jsonl", "No space left on device"),
      Fault(
        "a record could not be written: No space left on device; those before it are whole",
        at: "a.jsonl", fix: "make room, then go on with --resume")
    ),
  ])
  func `a fault of the output says what, where and how to mend`(
    found: RunWriterFault, expected: Fault
  ) {
    #expect(found.fault == expected)
  }

  @Test(arguments: [
    (
      SweepFault.otherSuite("a.jsonl"),
      Fault(
        "the run was made of another suite, or of other cases of it", at: "a.jsonl",
        fix: "give the same suite and axes, or start over with --replace")
    ),
    (
      .otherMachine("a.jsonl", ["2 cores, not 4", "another kernel"]),
      Fault(
        "the run was made on another machine: 2 cores, not 4; another kernel", at: "a.jsonl",
        fix: "go on where it began, or start over with --replace")
    ),
  ])
  func `a run that cannot be gone on with says why`(found: SweepFault, expected: Fault) {
    #expect(found.fault == expected)
  }
}
