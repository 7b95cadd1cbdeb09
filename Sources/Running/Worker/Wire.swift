import Foundation
package import Measuring
package import Quantities
package import Records

// What parent and worker say to each other: one JSON object a line, over the worker's standard
// input and output. The worker opens with a `Hello`; then each `Request` gets one `Answer`.

/// The worker's first line.
package struct Hello: Codable, Sendable {
  package var `protocol`: Int
  package var schema: String
  package var process: Int32
  /// The worker's private memory before it was told anything.
  package var anonymous: Reading<Bytes>
}

/// What the parent may ask for.
package enum Request: Codable, Sendable {
  /// Make a case ready: allocate, fill, pack, check, warm up.
  case prepare(order: WorkOrder)
  /// Take one block: as many samples of as many calls as are given, else as the worker's own
  /// calibration and the order say.
  case sample(calls: Int? = nil, samples: Int? = nil)
  /// Say what is left to say, and leave.
  case finish
  /// Measure this machine's ceilings, with each number of threads, within the memory that there is.
  case ceilings(machine: Machine, threads: [Int], cpus: [Int], room: ProbeRoom)
  /// Measure, briefly, one unit and (where memory can bind) one level.
  case probe(unit: String, level: MemoryLevel?, threads: Int)
}

/// What the worker answers.
package enum Answer: Codable, Sendable {
  case prepared(Prepared)
  case block(samples: [Double])
  case finished(Finished)
  case ceilings(Ceilings)
  case probe(Record.Probe)
  /// The case ended without a result; the worker is still there to finish.
  case failed(outcome: Outcome, check: Record.Check?)
}

/// What a child is told.
package struct WorkOrder: Codable, Sendable {
  package var workload: String
  package var problem: OrderedProblem
  package var variant: String
  package var threads: Int
  package var cpus: [Int]
  package var cache: CacheState
  package var seed: UInt64
  package var memoryLimit: Bytes?
  /// The file that the ledger's account is shared through.
  package var ledger: String
  /// The operating system's limit that the parent made ready for the child.
  package var systemLimit: SystemMemoryLimit?
  package var sampling: Sampling
  package var lastLevelCache: Bytes
  /// Set where two builds take turns.
  package var paired: Paired?
  /// Where to write what it computes on.
  package var dump: Dump?

  /// A file for other programs, and how many further calls' results it holds.
  package struct Dump: Codable, Sendable {
    package var path: String
    package var id: String
    package var steps: Int
  }

  package struct Sampling: Codable, Sendable {
    package var block: Seconds
    package var sample: Seconds
  }

  /// One side of a comparison of two builds: many processes, each soon ready.
  package struct Paired: Codable, Sendable {
    /// The whole check against the reference; else the result's digest alone.
    package var isChecked: Bool
    package var warmUpWindow: Seconds
    package var warmUpWindows: Int
    /// Calls in addition to a sample's, for trials of the comparison itself: 0.05 is 5 of 100.
    package var extraWork: Double
    /// One allocation more, likewise.
    package var extraBytes: Bytes?
  }
}

/// The problem of a work order: the values of its axes, by the names of their properties.
package struct OrderedProblem: Codable, Sendable {
  package let axes: [String: AxisValue]
  /// As the first protocol had it: JSON within JSON.
  fileprivate var isText = false

  package init(_ axes: [String: AxisValue]) { self.axes = axes }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      axes = try WireLine.decode([String: AxisValue].self, text)
    } else {
      axes = try container.decode([String: AxisValue].self)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if isText {
      try container.encode(String(decoding: JSONText.encode(axes), as: UTF8.self))
    } else {
      try container.encode(axes)
    }
  }
}

extension Request {
  /// As a worker of a protocol reads it.
  package func speaking(_ version: Int) -> Request {
    guard version == 1, case .prepare(var order) = self else { return self }
    order.problem.isText = true
    return .prepare(order: order)
  }
}

package struct Prepared: Codable, Sendable {
  package var preparation: Record.Preparation
  /// Nil from a command that does not hold its result against anything.
  package var check: Record.Check?
  package var warmUp: Record.WarmUp
  package var clockCost: Seconds
  package var calls: Int
  package var rotation: Int
  /// The library of others that the variant calls, by its own account.
  package var library: String?
  /// The variant that ran, where the order left it to the worker.
  package var variant: String?
  package var work: Work?
  /// Of the output's bytes, where builds are compared.
  package var digest: String?
}

package struct Finished: Codable, Sendable {
  /// Nil from a command that keeps no account.
  package var memory: Record.Memory?
  package var counters: [String: Reading<Double>]
  /// Of steps of training alone.
  package var training: Record.Training?
}

/// Encodes one message as a line, and reads one.
enum WireLine {
  static func encode(_ message: some Encodable) throws -> String {
    String(decoding: try JSONText.encode(message), as: UTF8.self) + "\n"
  }

  static func decode<Message: Decodable>(_ type: Message.Type, _ line: String) throws -> Message {
    try StoredJSON.decode(type, from: Data(line.utf8))
  }
}

extension Hello {
  /// A worker's first line, of one that can be talked to.
  package static func read(_ line: String) throws(ChildFault) -> Hello {
    guard let hello = try? WireLine.decode(Hello.self, line) else {
      throw ChildFault.garbage(line)
    }
    guard Schema.wireProtocols.contains(hello.protocol) else {
      throw ChildFault.otherProtocol(hello.protocol)
    }
    return hello
  }
}

extension Answer {
  /// A worker's line, every figure of it one that can be.
  package static func read(_ line: String) throws -> Answer {
    let answer: Answer
    do {
      answer = try WireLine.decode(Answer.self, line)
    } catch {
      throw ChildFault.garbage(line)
    }
    if let defect = answer.defect { throw ChildFault.impossible(defect) }
    return answer
  }

  /// What cannot be in an answer, in words: a worker may be anybody's program.
  private var defect: String? {
    switch self {
    case .prepared(let prepared):
      if prepared.calls < 1 { return "a sample is of \(prepared.calls) calls" }
      if prepared.rotation < 1 { return "it takes \(prepared.rotation) copies in turn" }
      if !(0...1e-3).contains(prepared.clockCost.value) {
        return "its clock costs \(prepared.clockCost.value) s"
      }
      return prepared.preparation.defect ?? prepared.check?.defect ?? prepared.warmUp.defect
        ?? prepared.work?.defect
    case .block(let samples): return Record.Block.defect(calls: 1, samples: samples)
    case .finished(let finished):
      for (name, reading) in finished.counters {
        if let value = reading.value, !value.isFinite { return "the counter \(name) is \(value)" }
      }
      return finished.memory?.defect ?? finished.memory?.ledger.defect
    case .failed(let outcome, let check):
      if outcome == .ok { return "it failed, and its outcome is ok" }
      return check?.defect
    case .probe(let probe): return probe.defect
    case .ceilings: return nil
    }
  }
}
