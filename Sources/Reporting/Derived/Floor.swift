import Quantities
import Records

/// What the machine could do while a block was measured, in units per second.
struct MachineSpeed {
  let flops: Double
  let read: Double
  let fill: Double

  /// As the two probes say that bracket a block, by their mean. What they did not measure is as
  /// `use` has it, and filling moves as reading does.
  init(beside block: Record.Block, of use: Record.CeilingUse) {
    let between = Self.mean(block.before.bytesPerSecond, block.after.bytesPerSecond)
    flops =
      Self.mean(block.before.flopsPerSecond, block.after.flopsPerSecond) ?? use.flopsPerSecond
    read = between ?? use.readPerSecond
    fill = between.map { use.fillPerSecond * $0 / use.readPerSecond } ?? use.fillPerSecond
  }

  private static func mean(_ before: Double?, _ after: Double?) -> Double? {
    guard let before, let after, before > 0, after > 0 else { return nil }
    return (before + after) / 2
  }
}

/// The shortest time in which the machine could do some work.
///
///     floor = max(flops ÷ compute, read ÷ read bandwidth + written ÷ fill bandwidth)
struct Floor {
  let compute: Double
  let memory: Double

  /// Nothing where a speed that is needed is not a number above 0.
  init?(of work: Work, at speed: MachineSpeed) {
    guard let compute = Self.time(work.flops, speed.flops),
      let read = Self.time(work.bytesRead.count, speed.read),
      let written = Self.time(work.bytesWritten.count, speed.fill)
    else { return nil }
    self.compute = compute
    memory = read + written
  }

  var seconds: Double { max(compute, memory) }

  private static func time(_ amount: Int, _ rate: Double) -> Double? {
    if amount == 0 { return 0 }
    return rate > 0 && rate.isFinite ? Double(amount) / rate : nil
  }
}
