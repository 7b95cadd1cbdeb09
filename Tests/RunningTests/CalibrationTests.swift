import Foundation
import Glibc
import Comparing
import Quantities
import Records
import Running
import SystemPackage
import Testing

struct CalibrationTests {
  private func session(
    _ script: @escaping @Sendable (FakeHost.Asked) -> FakeHost.Said
  ) throws -> (CalibrationSession, FakeHost) {
    let host = FakeHost(script)
    let plan = try Plans.plan("nanoseconds: [1, 2], threads: 1", "gate: { turn: 5 ms }")
    // Any file will do: its bytes tell sessions of one program from those of another.
    let program = FakeGate.build("/proc/self/exe", of: plan)
    return (
      CalibrationSession(plan, program, cpus: [0, 1], on: host, machine: Plans.machine), host
    )
  }

  @Test func `a look takes three blocks of each case, and the median of all turns`() async throws {
    let (calibration, host) = try session { asked in
      guard asked.key == 2, case .sample = asked.request else { return asked.gated() }
      return .answer(.block(samples: [0.004]))
    }
    let session = try await calibration.session { "today" }
    #expect(host.happenings(.prepare).map(\.key) == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    #expect(session.seconds.sorted { $0.key < $1.key }.map(\.value) == [0.001, 0.004])
    #expect(session.at == "today")
    #expect(host.living.isEmpty)
  }

  @Test func `a case that fails ends it, and says how to leave it out`() async throws {
    let (calibration, host) = try session { asked in
      asked.key == 2 && SweepEndingTests.Moment.sampling.isNow(asked.request)
        ? .ends(.signaled(SIGABRT)) : asked.gated()
    }
    let fault = await #expect(throws: Fault.self) {
      _ = try await calibration.session { "today" }
    }
    #expect(fault?.what == "a case failed: SIGABRT while sampling")
    #expect(fault?.place?.contains("nanoseconds=2") == true)
    #expect(fault?.mend?.hasPrefix("leave it out with --filter") == true)
    #expect(host.living.isEmpty)
  }

  @Test func `an interruption leaves no child behind`() async throws {
    let host = try await interrupted {
      let (calibration, host) = try session { asked in
        asked.key == 2 && SweepEndingTests.Moment.sampling.isNow(asked.request)
          ? .interruption : asked.gated()
      }
      await #expect(throws: CancellationError.self) {
        _ = try await calibration.session { "today" }
      }
      return host
    }
    #expect(host.living.isEmpty)
  }
}
