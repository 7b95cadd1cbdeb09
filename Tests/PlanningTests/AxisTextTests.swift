import OrderedCollections
import Planning
import Quantities
import Records
import Testing

/// An axis whose values are words, or a name with a number.
struct AxisTextTests {
  private func plan(_ mask: String) throws -> [String] {
    let suite = try Suite(
      inlineWorkload: "attention-prefill",
      axes: ["heads=4", "kv-heads=2", "head-dim=8", "tokens=9", "mask=\(mask)"])
    return try Planner(cores: 2).plan(suite).cases.compactMap { $0.case.axes["mask"]?.text }
  }

  @Test func `words and names with numbers are values`() throws {
    #expect(try plan("causal,window(3),window(12)") == ["causal", "window(3)", "window(12)"])
  }

  @Test(arguments: [
    ("window(0)", "mask window is 0"), ("window(-1)", "mask window is -1"),
    ("window(x)", "'x', which is not a whole number"), ("window", "mask is 'window'"),
    ("windw(3)", "did you mean 'window(256)'?"), ("diagonal", "mask is 'diagonal'"),
  ])
  func `what is none says so`(mask: String, words: String) {
    do {
      _ = try plan(mask)
      Issue.record("it was read")
    } catch let fault as any FaultConvertible {
      #expect(fault.fault.description.contains(words), "\(fault.fault)")
    } catch {
      Issue.record("\(error)")
    }
  }
}
