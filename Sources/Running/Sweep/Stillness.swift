import Measuring
import Quantities

/// Waits until processes take no processor time: their pools spin a while after a call.
///
/// The kernel counts in ticks of 10 ms, so two looks lie a little further apart.
func stillness(of processes: [Int32]) async {
  func times() -> [Double] {
    processes.compactMap { ProcessActivity.read(process: $0).processorTime.value?.value }
  }
  var before = times()
  for _ in 0..<20 {
    try? await Task.sleep(for: .milliseconds(11))
    let now = times()
    if now == before { return }
    before = now
  }
}
