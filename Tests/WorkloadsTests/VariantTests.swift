import Kernels
import Testing
import Workloads

@Suite struct VariantTests {
  @Test func `a variant is unavailable for the first thing that it lacks`() {
    let absent = Capability.allCases.filter { !$0.isPresent }
    let variant = Variant<SelfTestWorkload>(name: "v", requirements: Capability.allCases) {
      _, _, _ in
      throw CancellationError()
    }
    #expect(variant.unavailable == absent.first?.missing)
    let plain = Variant<SelfTestWorkload>(name: "v") { _, _, _ in throw CancellationError() }
    #expect(plain.unavailable == nil)
  }
}
