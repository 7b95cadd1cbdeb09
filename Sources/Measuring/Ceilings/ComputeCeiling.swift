import CMicrokernels
package import Quantities
package import Records
import Statistics

/// A unit's loop: one instruction in independent chains, in registers alone.
package struct ComputeUnit {
  package let name: String
  package let format: ComputeFormat
  private let loop: hr_compute_loop

  /// The units of this machine for all formats, in the order of the table.
  package static var available: [ComputeUnit] {
    let features = hr_cpu_features()
    var units: [ComputeUnit] = []
    var index: Int32 = 0
    while true {
      let loop = hr_compute_loop_at(index)
      guard loop.spin != nil else { return units }
      if features & loop.features == loop.features { units.append(ComputeUnit(loop)) }
      index += 1
    }
  }

  private init(_ loop: hr_compute_loop) {
    self.loop = loop
    name = String(cString: loop.unit)
    format =
      switch loop.format {
      case HR_FORMAT_FP16: .fp16
      case HR_FORMAT_BF16: .bf16
      case HR_FORMAT_INT8: .int8
      default: .fp32
      }
  }

  /// FLOP/s over all threads of the team, from one stretch of about `seconds`.
  package func measure(_ team: any ThreadTeam, seconds: Double, clock: some NanosecondClock)
    -> Double
  {
    // A first guess of 4 ns an iteration; the second stretch corrects it.
    var iterations = Int64(seconds / 4e-9)
    let loop = loop
    var elapsed = 0.0
    for attempt in 0..<2 {
      let count = iterations
      let start = clock.now()
      team.run { _ in loop.spin(count) }
      elapsed = max(1e-9, Double(clock.now() - start) / 1e9)
      if attempt == 0 {
        guard elapsed < seconds / 2 || elapsed > seconds * 2 else { break }
        iterations = max(1, Int64(Double(iterations) * seconds / elapsed))
      }
    }
    return loop.flops_per_iteration * Double(iterations) * Double(team.threads) / elapsed
  }
}

extension ComputeUnit {
  /// Medians over so many stretches of 2 ms for every unit. Formats without a unit of their own are
  /// computed by the widest fp32 unit: conversions are not arithmetic.
  package static func ceilings(
    _ team: any ThreadTeam, stretches: Int = 9, clock: some NanosecondClock
  ) -> [Ceilings.Compute] {
    var found: [Ceilings.Compute] = []
    for unit in available {
      let rates = (0..<stretches).map { _ in unit.measure(team, seconds: 0.002, clock: clock) }
      found.append(
        .init(
          unit: unit.name, format: unit.format, threads: team.threads,
          flopsPerSecond: Sample(finite: rates).median))
    }
    let plain = found.filter { $0.format == .fp32 }.max { $0.flopsPerSecond < $1.flopsPerSecond }
    for format in ComputeFormat.allCases where !found.contains(where: { $0.format == format }) {
      guard var borrowed = plain else { continue }
      borrowed.format = format
      found.append(borrowed)
    }
    return found
  }
}
