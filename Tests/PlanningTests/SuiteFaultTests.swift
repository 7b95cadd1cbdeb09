import Planning
import Quantities
import Testing

/// A bad suite and the words that it gets.
struct BadSuite: Sendable, CustomTestStringConvertible {
  let text: String
  let fault: Fault

  /// - Parameter at: line and column.
  init(_ text: String, _ what: String, at place: String, fix mend: String) {
    self.text = text
    fault = Fault(what, at: "suites/t.yaml:\(place)", fix: mend)
  }

  init(axes: String, _ what: String, at place: String, fix mend: String) {
    self.init(toySuite(axes), what, at: place, fix: mend)
  }

  var testDescription: String { fault.what }
}

struct SuiteFaultTests {
  static let form = [
    BadSuite(
      "suite: [",
      "the suite cannot be read as YAML: while parsing a flow node, "
        + "did not find expected node content", at: "2:1",
      fix: "write keys as 'suite: name' and 'sweep:' with a list of workloads below it"),
    BadSuite(
      "", "the suite cannot be read as YAML: it is empty", at: "1:1",
      fix: "write keys as 'suite: name' and 'sweep:' with a list of workloads below it"),
    BadSuite(
      "- a", "the suite cannot be read as YAML: its top level is not a mapping of keys to values",
      at: "1:1",
      fix: "write keys as 'suite: name' and 'sweep:' with a list of workloads below it"),
    BadSuite(
      "suite: t\nsuite: u\n", "the key 'suite' stands twice", at: "1:1",
      fix: "keep one of the two"),
    BadSuite(
      axes: "rows: 1\nrows: 2", "the key 'rows' stands twice", at: "5:7",
      fix: "keep one of the two"),
    BadSuite(
      "suite: t\nsweeps: []", "the suite has no key 'sweeps'", at: "2:1",
      fix: "did you mean 'sweep'?"),
    BadSuite(
      "suite: t\nmeasure: { bugdet: 1 s }", "measure has no key 'bugdet'", at: "2:12",
      fix: "did you mean 'budget'?"),
    BadSuite("suite: t", "the suite has no 'sweep'", at: "1:1", fix: "add 'sweep: …'"),
    BadSuite(
      "suite: t\nsweep:\n  - axes: {}", "an entry of sweep has no 'workload'", at: "3:5",
      fix: "add 'workload: …'"),
    BadSuite(
      "suite: a/b\nsweep: []", "'a/b' cannot name a suite, since a file is named for it",
      at: "1:8", fix: "use letters, digits, '-', '_' and '.'"),
    BadSuite(
      "suite: t\nsweep: matmul", "sweep is 'matmul'", at: "2:8", fix: "give it a list"),
    BadSuite(
      "suite: t\nsweep:", "the sweep is empty", at: "2:7",
      fix: "add an entry below sweep: '- workload: matmul' with its axes"),
    BadSuite(
      "suite: t\nsweep: []", "the sweep is empty", at: "2:8",
      fix: "add an entry below sweep: '- workload: matmul' with its axes"),
    BadSuite(
      toySuite("rows: 1", entry: "skip: [{ where: {}, because: no }]"), "where names no axis",
      at: "6:21", fix: "name the axis values to skip: where: { m: 1 }"),
  ]

  static let names = [
    BadSuite(
      "suite: t\nsweep:\n  - workload: matmull", "there is no workload 'matmull'", at: "3:15",
      fix: "did you mean 'matmul'?"),
    BadSuite(
      "suite: t\nsweep:\n  - workload: convolution", "there is no workload 'convolution'",
      at: "3:15", fix: "use one of: toy, matmul"),
    BadSuite(
      axes: "rows: 1\nkv-head: 1", "toy has no axis 'kv-head'", at: "6:7",
      fix: "did you mean 'kv-heads'?"),
    BadSuite(
      axes: "rows: 1\nprecision: [fp32, fp61]", "precision is 'fp61'", at: "6:25",
      fix: "did you mean 'fp16'?"),
    BadSuite(
      axes: "rows: 1\nvariant: fastets", "variant is 'fastets'", at: "6:16",
      fix: "did you mean 'fastest'?"),
    BadSuite(
      axes: "rows: 1\ncache: hot", "cache is 'hot'", at: "6:14", fix: "use one of: warm, cold"),
    BadSuite(axes: "rows: 1\nbits: 8", "bits is '8'", at: "6:13", fix: "use one of: 32, 16"),
    BadSuite(
      axes: "rows: 1\nbits: 16\nprecision: fp32", "the axis 'precision' is given twice", at: "7:7",
      fix: "give all its values in one list"),
    BadSuite(
      axes: "mask: off", "toy needs the axis 'rows', which has no default", at: "3:5",
      fix: "add 'rows: …' to its axes"),
    BadSuite(
      toySuite("rows: 1", entry: "interleave: treads"), "toy has no axis 'treads'", at: "6:17",
      fix: "did you mean 'threads'?"),
    BadSuite(
      toySuite("rows: 1", entry: "skip: [{ where: { row: 1 }, because: no }]"),
      "toy has no axis 'row'", at: "6:23", fix: "did you mean 'rows'?"),
    BadSuite(
      toySuite("rows: 1", entry: "skip: [{ where: { mask: on }, because: no }]"),
      "mask is 'on'", at: "6:29", fix: "use one of: off, causal"),
  ]

  static let numbers = "write a number, a list (1,2,4) or a range (1-64*2, 512-4096+512)"

  static let values = [
    BadSuite(
      axes: "rows: 1e3", "rows is '1e3', which is not a whole number", at: "5:13", fix: numbers),
    BadSuite(
      axes: "rows: on", "rows is 'on', which is not a whole number", at: "5:13", fix: numbers),
    BadSuite(
      axes: "rows: 99999999999999999999",
      "rows is '99999999999999999999', which is not a whole number", at: "5:13", fix: numbers),
    BadSuite(
      axes: "rows: 1\nthreads: many", "threads is 'many', which is not a whole number", at: "6:16",
      fix: "write all, a number, a list (1,2,4) or a range (1-64*2, 512-4096+512)"),
    BadSuite(axes: "rows: [1, 0]", "rows is 0", at: "5:17", fix: "give a number from 1 up"),
    BadSuite(axes: "rows: -4", "rows is -4", at: "5:13", fix: "give a number from 1 up"),
    BadSuite(axes: "rows: 0-8+4", "rows is 0", at: "5:13", fix: "give a number from 1 up"),
    BadSuite(
      axes: "rows: 1\nmemory-limit: lots",
      "memory-limit is 'lots', which is not an amount of memory", at: "6:21",
      fix: "write it as 512MiB or 8GiB"),
    BadSuite(
      axes: "rows: []", "rows is given no value", at: "5:13", fix: "give it one, or leave it out"),
    BadSuite(
      axes: "rows:", "rows is given no value", at: "5:12", fix: "give it one, or leave it out"),
    BadSuite(
      axes: "rows: 1,,2", "rows is given no value", at: "5:13",
      fix: "give it one, or leave it out"),
    BadSuite(
      axes: "rows: [1-4*2, 4]", "rows has the value 4 twice", at: "5:21",
      fix: "keep one of the two"),
    BadSuite(
      axes: "rows: [8, 08]", "rows has the value 8 twice", at: "5:17",
      fix: "keep one of the two"),
    BadSuite(
      axes: "rows: 64-1*2", "the range of rows goes from 64 down to 1", at: "5:13",
      fix: "begin with the smaller: from 1 to 64"),
    BadSuite(
      axes: "rows: { from: 1, to: 8, times: 1 }",
      "the range of rows never ends: times 1 does not lead up from 1", at: "5:13",
      fix: "begin at 1 or more, and multiply by 2 or more, or add 1 or more"),
    BadSuite(
      axes: "rows: { from: 1, to: 8, plus: 0 }",
      "the range of rows never ends: plus 0 does not lead up from 1", at: "5:13",
      fix: "begin at 1 or more, and multiply by 2 or more, or add 1 or more"),
    BadSuite(
      axes: "rows: 0-8*2", "the range of rows never ends: times 2 does not lead up from 0",
      at: "5:13", fix: "begin at 1 or more, and multiply by 2 or more, or add 1 or more"),
    BadSuite(
      axes: "rows: { from: 1, to: 8, step: 1 }", "a range of rows has no key 'step'", at: "5:31",
      fix: "use one of: from, to, times, plus"),
    BadSuite(
      axes: "rows: { from: 1, to: 8, times: 2, plus: 1 }",
      "the range of rows has both times and plus", at: "5:47", fix: "keep one of the two"),
    BadSuite(
      axes: "rows: { from: 1, to: 8 }", "a range of rows has no 'times'", at: "5:13",
      fix: "add 'times: …'"),
    BadSuite(
      axes: "rows: { from: one, to: 8, plus: 1 }", "rows is 'one', which is not a whole number",
      at: "5:21", fix: numbers),
    BadSuite(
      axes: "rows: 1\nmask: 1-4*2", "mask takes no range", at: "6:13", fix: "list its values"),
    BadSuite(axes: "rows: 1000", "rows is 1000, and 999 fit", at: "5:13", fix: "use fewer rows"),
  ]

  static let sizes = [
    BadSuite(
      axes: "rows: 1-500+1\nkv-heads: 1-300+1",
      "the sweep has 150000 cases, and at most 100000 are planned", at: "5:13",
      fix: "give fewer values here, or split the suite"),
    BadSuite(
      axes: "rows: 1\nkv-heads: 1-9000000000000+1",
      "the sweep has 9000000000000 cases, and at most 100000 are planned", at: "6:17",
      fix: "give fewer values here, or split the suite"),
    BadSuite(
      axes: "rows: 1-9000000000000+1\nkv-heads: 1-9000000000000000000+1",
      "the sweep has more than can be counted cases, and at most 100000 are planned", at: "6:17",
      fix: "give fewer values here, or split the suite"),
    BadSuite(
      axes: "rows: { from: -9223372036854775808, to: 9223372036854775807, plus: 1 }",
      "the sweep has more than can be counted cases, and at most 100000 are planned", at: "5:13",
      fix: "give fewer values here, or split the suite"),
    BadSuite(
      toySuite("rows: 1", entry: "skip: [{ where: { rows: 1-9000000000000+1 }, because: no }]"),
      "the sweep has 9000000000000 cases, and at most 100000 are planned", at: "6:29",
      fix: "give fewer values here, or split the suite"),
    BadSuite(
      "suite: t\nsweep:\n  - workload: matmul\n    axes: { m: 1, n: 3000000000, k: 3000000000 }",
      "matmul/m=1,n=3000000000,k=3000000000,precision=fp32,variant=best,threads=all,cache=warm "
        + "is more work than 64 bits can count", at: "3:5", fix: "give its axes smaller numbers"),
    BadSuite(
      toySuite("rows: 1") + "\n  - workload: toy\n    axes: { rows: [2, 1] }",
      "the case toy/rows=1,kv-heads=1,mask=off,precision=fp32,variant=best,threads=all,cache=warm"
        + " stands twice, first at suites/t.yaml:3:5", at: "6:5", fix: "remove one of the two"),
  ]

  @Test(arguments: form + names + values + sizes)
  func `a bad suite is told what, where and how to mend`(bad: BadSuite) throws {
    let found = try faultOf { try plan(bad.text) }
    #expect(found == bad.fault)
  }
}
