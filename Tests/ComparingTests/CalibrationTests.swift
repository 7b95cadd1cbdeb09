import Comparing
import Foundation
import Quantities
import Records
import Testing

struct CalibrationTests {
  private let machine = Machine(
    cpuModel: "A", cpuStepping: "1", visibleCores: 2, threadsPerCore: 1, caches: [],
    memoryClass: .gibibytes(8), operatingSystem: "x", kernelMinor: "6", instructionSets: [])

  private func calibrated(_ sessions: [[String: Double]], program: String = "p") -> Calibration {
    var calibration = Calibration(machine: machine)
    for seconds in sessions {
      calibration.add(.init(at: "now", suite: "s", program: program, seconds: seconds))
    }
    return calibration
  }

  /// Each case strays from its mean by ±0.1 in the logarithm: σ² = 12 · 0.01 / (2 · 5).
  @Test func `sessions' noise is pooled over cases`() throws {
    let up = ["a": exp(0.1), "b": 7 * exp(-0.1)]
    let down = ["a": exp(-0.1), "b": 7 * exp(0.1)]
    let noise = try #require(
      calibrated([up, down, up, down, up, down]).sessionNoise.value)
    #expect(abs(noise.deviation - (0.12 / 10).squareRoot()) < 1e-12)
    #expect(noise.sessions == 6)
  }

  @Test func `sessions of other programs are not held against each other`() {
    var calibration = calibrated(Array(repeating: ["a": 1], count: 3))
    for _ in 0..<3 {
      calibration.add(.init(at: "now", suite: "s", program: "q", seconds: ["a": 2]))
    }
    #expect(calibration.sessionNoise.value?.deviation == 0)
  }

  @Test func `five sessions are too few`() {
    let reason = calibrated(Array(repeating: ["a": 1], count: 5)).sessionNoise.reason
    #expect(reason?.contains("5 of the 6") == true)
  }

  @Test func `the relinks' floor is the maximum that any case moved by`() {
    var calibration = Calibration(machine: machine)
    calibration.add(
      .init(at: "now", suite: "s", builds: 2, differences: ["a": [0.01, -0.03], "b": [0, 0.02]]))
    #expect(abs((calibration.relinks(of: "s")?.floor ?? 0) - (exp(0.03) - 1)) < 1e-12)
    #expect(calibration.relinks(of: "t") == nil)
    calibration.add(.init(at: "now", suite: "s", builds: 1, differences: ["a": [0]]))
    #expect(calibration.relinks.map(\.builds) == [1])
  }

  @Test(arguments: [(0.01, 0.02, 0.05), (0.03, 0.03, 0.06), (0.1, 0.1, 0.13)])
  func `a floor above what is tolerated makes room`(
    floor: Double, tolerated: Double, detected: Double
  ) {
    let raised = GateTolerance.standard.raised(by: floor)
    #expect(raised.tolerated == tolerated)
    #expect(abs(raised.detected - detected) < 1e-12)
  }

  @Test func `what is stored is read again for its own machine only`() throws {
    let folder = NSTemporaryDirectory() + "calibration-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = try CalibrationFile(of: machine, environment: ["XDG_CACHE_HOME": folder])
    #expect(try file.read().sessions.isEmpty)
    try file.write(calibrated([["a": 1]]))
    #expect(try file.read().sessions.map(\.seconds) == [["a": 1]])
    var other = machine
    other.visibleCores = 4
    #expect(
      try CalibrationFile(of: other, environment: ["XDG_CACHE_HOME": folder]).path != file.path)
    for (text, words) in [
      ("{\"sch", "the calibration is cut off"),
      ("{\"schema\": \"headroom.calibration/2\"}", "has schema 'headroom.calibration/2'"),
    ] {
      try text.write(toFile: file.path, atomically: true, encoding: .utf8)
      #expect {
        try file.read()
      } throws: { ($0 as? any FaultConvertible)?.fault.what.contains(words) == true }
    }
  }
}
