import Kernels
import Testing
import Workloads

@Suite struct AxisTextFormTests {
  @Test(arguments: ["none", "linear(4)", "ntk(2)", "yarn(16)", "llama3(8)"])
  func `it is read as it is written`(text: String) throws {
    #expect(RotaryScaling(axisText: text)?.axisText == text)
  }

  @Test(arguments: ["", "linear", "linear(0)", "yarn(-1)", "yarn(1.5)", "cubic(2)", "ntk(2"])
  func `what is none is refused`(text: String) {
    #expect(RotaryScaling(axisText: text) == nil)
    #expect(CachePaging(axisText: text) == nil)
  }
}
