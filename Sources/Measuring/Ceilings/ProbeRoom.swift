package import Quantities
package import Records

/// What the probes of bandwidth may take of the memory that there is.
package struct ProbeRoom: Hashable, Codable, Sendable {
  package var room: MemoryRoom?
  package var available: Bytes?
  /// What the largest of the cases that are to run beside the probes takes.
  package var needed: Bytes

  package init(room: MemoryRoom?, available: Bytes?, needed: Bytes) {
    self.room = room
    self.available = available
    self.needed = needed
  }

  /// For both buffers together; nil where nothing bounds them.
  ///
  /// A third of all that there may be leaves the machines that have the memory which their class says with
  /// buffers of an eighth of it each; half of what is left now, since something else may want some, too.
  package var allowance: Bytes? {
    [room.map { Bytes($0.limit.count / 3) }, half].compactMap(\.self).min()
  }

  /// The same at the most, where with less DRAM could not be measured.
  package var ample: Bytes? {
    [room.map { Bytes($0.limit.count / 2) }, available.map { Bytes($0.count / 3 * 2) }]
      .compactMap(\.self).min()
  }

  private var half: Bytes? { available.map { Bytes($0.count / 2) } }

  /// Whether a buffer must go before the largest case runs.
  package func isShort(beside buffer: Bytes) -> Bool {
    guard let least = [room?.limit, available].compactMap(\.self).min() else { return false }
    return needed + buffer + Self.harness > least
  }

  /// The sweep itself, the process that probes and a case's own, before any of them holds a tensor:
  /// 15 to 20 MiB each, as their resident sizes say.
  private static let harness = Bytes.mebibytes(64)

  /// `the control group's limit`, for sentences.
  var owner: String { room?.owner ?? "what is available" }
}
