import Quantities
import Records
import Running

/// What a worker writes, as a script of somebody else's would.
enum Lines {
  static let hello = hello(speaking: Schema.wireProtocol)

  static func hello(speaking version: Int) -> String {
    #"{"protocol":\#(version),"schema":"s","process":1,"anonymous":{"unavailable":"x"}}"#
  }

  /// - Parameter pace: seconds a call in the warm-up's last window.
  static func prepared(
    calls: Int = 1, pace: Double = 0.001, flops: Int = 1, digest: String = "d"
  ) -> String {
    #"{"prepared":{"_0":{"preparation":{"seconds":0,"bytes":0},"#
      + #""warm_up":{"windows":[\#(pace)],"cut":0,"steady":true},"clock_cost":2e-8,"#
      + #""calls":\#(calls),"rotation":1,"digest":"\#(digest)","#
      + #""work":{"flops":\#(flops),"bytes_read":0,"bytes_written":4,"format":"fp32"}}}}"#
  }

  static let finished = #"{"finished":{"_0":{"counters":{}}}}"#

  /// The ceilings of a machine of two cores.
  static let ceilings = Ceilings(
    compute: [1, 2].map {
      .init(unit: "wide", format: .fp32, threads: $0, flopsPerSecond: 1e9)
    },
    bandwidth: MemoryLevel.allCases.flatMap { level in
      [1, 2].map {
        .init(
          level: level, threads: $0, footprint: Bytes(1), read: 1e9, fill: 1e9,
          fillNonTemporal: 1e9, copy: 1e9)
      }
    }, clockCost: Seconds(2e-8))
}

extension FakeHost.Asked {
  /// What a worker that does well answers: each block takes a tenth of a second.
  var well: FakeHost.Said { well(taking: Seconds(0.1)) }

  func well(taking seconds: Seconds) -> FakeHost.Said {
    switch request {
    case nil: return .line(Lines.hello)
    case .prepare: return .line(Lines.prepared())
    case .sample:
      takes(seconds)
      return .answer(.block(samples: [0.001, 0.001]))
    case .finish: return .line(Lines.finished)
    case .ceilings: return .answer(.ceilings(Lines.ceilings))
    case .probe:
      // No two are alike, so that a block tells which ones it has.
      let number = host.happenings(.probe).count
      return .answer(.probe(.init(flopsPerSecond: 1e9 + Double(number), bytesPerSecond: nil)))
    }
  }
}
