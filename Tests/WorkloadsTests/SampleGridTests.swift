import Kernels
import Workloads
import Testing

struct SampleGridTests {
  /// By hand: 2²⁷ flops / 2¹⁶ are 2048 results; half of its root, 22, are rows; 2048 / 22 columns.
  @Test func `dear results are compared in part, as the label says`() {
    let sample = OutputSample(rows: 512, columns: 4096, flopsPerResult: 1 << 16, seed: 1)
    #expect(sample.rows.count == 22)
    #expect(sample.columns.count == 93)
    #expect(sample.label == "22 of 512 rows × 93 of 4096 columns")
  }

  @Test func `the budget's last result is still within it`() {
    let within = OutputSample(rows: 10, columns: 10, flopsPerResult: 1, countBudget: 100, seed: 0)
    let beyond = OutputSample(rows: 10, columns: 10, flopsPerResult: 1, countBudget: 99, seed: 0)
    #expect(within.label == "all 100")
    #expect(beyond.label == "4 of 10 rows × 10 of 10 columns")
  }

  @Test func `each index stands in a stratum of its own`() {
    let sample = OutputSample(rows: 640, columns: 4096, flopsPerResult: 1 << 16, seed: 3)
    let count = sample.rows.count
    let outside = sample.rows.enumerated().filter { stratum, row in
      row < stratum * 640 / count || row >= (stratum + 1) * 640 / count
    }
    #expect(outside.isEmpty)
  }
}
