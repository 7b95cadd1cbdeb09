import Kernels
import Quantities
import Testing

struct ArenaLayoutTests {
  private func tenant(_ bytes: Int, _ life: ClosedRange<Int>) -> ArenaTenant {
    ArenaTenant(bytes: Bytes(bytes), role: .activations, life: life)
  }

  @Test func `tenants whose lives overlap lie apart`() {
    let tenants = (0..<40).map { index in
      tenant(64 * (1 + index * 7 % 11), (index * 5 % 23)...(index * 5 % 23 + index % 9))
    }
    let layout = ArenaLayout(tenants)
    for (index, one) in tenants.enumerated() {
      for (other, another) in tenants.enumerated()
      where other < index && one.life.overlaps(another.life) {
        let (first, second) = (layout.offsets[index], layout.offsets[other])
        #expect(first + one.bytes.count <= second || second + another.bytes.count <= first)
      }
    }
  }

  @Test func `what lives like a stack takes its peak and no more`() {
    let depth = 12
    let tenants = (0..<depth).map { tenant(128 * ($0 + 1), $0...(2 * depth - $0)) }
    #expect(ArenaLayout(tenants).bytes == tenants.reduce(.zero) { $0 + $1.bytes })
  }
}
