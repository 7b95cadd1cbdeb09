import Quantities
package import Records

extension Conditions {
  /// Sentences about what will disturb times, worst first; what could not be read is not warned of.
  package func findings(visibleCores: Int) -> [String] {
    [
      quotaFinding(visibleCores), stealFinding, loadFinding(visibleCores), throttleFinding,
      governorFinding,
      memoryFinding, hugePageFinding,
    ].compactMap { $0 }
  }

  private func quotaFinding(_ visibleCores: Int) -> String? {
    guard let quota, quota.cores < Double(visibleCores) else { return nil }
    let share = quota.throttledShare.map {
      ", as it was in \(significant($0 * 100)) % of the periods so far"
    }
    return """
      A control group allows \(significant(quota.cores)) of \(counted(visibleCores, "core")): what has \
      used that up is stopped for the rest of a period\(share ?? ""), and times show it.
      """
  }

  private var stealFinding: String? {
    // 1 % is the width to which medians are commonly measured.
    guard let steal = steal.value, steal > 0.01 else { return nil }
    return """
      The hypervisor gave \(significant(steal * 100)) % of this machine's processor time to \
      others since boot (steal): times will vary.
      """
  }

  private func loadFinding(_ visibleCores: Int) -> String? {
    // Below it a machine that has just built the program would be warned about for minutes.
    guard let load = load.value, load > 0.3 * Double(max(1, visibleCores)) else { return nil }
    let cores = counted(visibleCores, "core")
    return """
      The load was \(fixed(load, 2)) on \(cores) before anything was started: other programs \
      compete for the processor.
      """
  }

  private var throttleFinding: String? {
    guard let throttles = throttles.value, throttles > 0 else { return nil }
    let times = throttles == 1 ? "once" : "\(throttles) times"
    return "The processor was throttled for heat \(times) since boot: long runs may slow down."
  }

  private var governorFinding: String? {
    guard let governor = governor.value, governor != "performance" else { return nil }
    return "The frequency governor is \(governor), not performance: the clock moves under load."
  }

  private var memoryFinding: String? {
    // Under a tenth the kernel starts to take pages back, which is timed along.
    guard let available = availableMemory.value, let limit = memory?.limit,
      available * 10 < limit
    else { return nil }
    return "Only \(available) of \(limit) memory is available."
  }

  private var hugePageFinding: String? {
    guard hugePages.value == "never" else { return nil }
    return """
      Transparent huge pages are off (never): large tensors pay for address translation.
      """
  }
}
