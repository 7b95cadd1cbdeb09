import Foundation
import GRDB
import OrderedCollections
package import Quantities
import Records
import Statistics

/// Results over time, in one file that several programs may write at once.
///
/// Each result is added whole or not at all; the log that is written ahead lets readers go on.
package struct History {
  private let queue: DatabaseQueue
  private let path: String

  /// Opens the file, and makes it where there is none.
  ///
  /// - Throws: `HistoryFault` where a file is there that this program did not write, or a newer one
  ///   did, or that is damaged: it is left as it is.
  package init(_ path: String, mayMake: Bool) throws {
    let files = FileManager.default
    if !files.fileExists(atPath: path) || (!mayMake && FileStatus(path)?.size == 0) {
      guard mayMake else { throw HistoryFault.missing(path) }
      try OutputFile.makeFolder(of: path)
    }
    self.path = path
    var configuration = Configuration()
    // Writers take turns; one that waits longer than this has met one that hangs.
    configuration.busyMode = .timeout(120)
    configuration.foreignKeysEnabled = true
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try prepareInTurn()
    } catch let error as DatabaseError {
      throw HistoryFault(error, path)
    }
  }

  /// SQLite gives up at once, and asks nobody to wait, where several open a new file and one of them changes how it
  /// is written: whoever was refused begins again.
  private func prepareInTurn() throws {
    for attempt in 0... {
      do {
        return try prepare()
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && attempt < Self.attempts
      {
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
  }

  /// For two seconds.
  private static let attempts = 100

  private func prepare() throws {
    let (application, version, tables) = try queue.read { db in
      (
        try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
        try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0,
        try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
      )
    }
    if tables > 0, application != HistorySchema.application { throw HistoryFault.foreign(path) }
    guard version <= HistorySchema.version else { throw HistoryFault.newer(path, version) }
    if version == HistorySchema.version {
      let damage = try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
      let stray = try queue.read { try Row.fetchOne($0, sql: "PRAGMA foreign_key_check") }
      if stray != nil { throw HistoryFault.damaged(path, "a row belongs to no file or machine") }
      guard damage == "ok" else {
        throw HistoryFault.damaged(
          path, (damage ?? "no answer").split(whereSeparator: \.isNewline).joined(separator: " "))
      }
      return
    }
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = WAL")
      try db.inTransaction(.immediate) {
        // Another writer may have been first.
        if try Int.fetchOne(db, sql: "PRAGMA user_version") == 0 {
          try db.execute(sql: HistorySchema.statements)
          try db.execute(sql: "PRAGMA application_id = \(HistorySchema.application)")
          try db.execute(sql: "PRAGMA user_version = \(HistorySchema.version)")
        }
        return .commit
      }
    }
  }

  /// Adds a run's or a gate's file.
  ///
  /// One that is there already is not added again, but may become an anchor's.
  package func add(_ file: HistoryEntry, at time: String) throws -> Addition {
    try guarded {
      try queue.write { db in
        try db.execute(
          sql: "INSERT OR IGNORE INTO machine (fingerprint, name) VALUES (?, ?)",
          arguments: [file.fingerprint, file.machineName])
        try db.execute(
          sql: """
            INSERT OR IGNORE INTO entry (digest, kind, suite, machine, added, "commit", anchor)
            VALUES (?, ?, ?, (SELECT id FROM machine WHERE fingerprint = ?), ?, ?, ?)
            """,
          arguments: [
            file.digest, file.kind.rawValue, file.suite, file.fingerprint, time, file.commit,
            file.anchor,
          ])
        guard db.changesCount > 0 else { return try anchor(file, in: db) ? .anchored : .known }
        let entry = db.lastInsertedRowID
        for row in file.measurements {
          try db.execute(
            sql: "INSERT INTO measurement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
              entry, row.name, row.median, row.low, row.high, row.processes, row.ratio?.median,
              row.ratio?.low, row.ratio?.high,
            ])
          for (name, value) in row.figures {
            try db.execute(
              sql: "INSERT INTO figure VALUES (?, ?, ?, ?)",
              arguments: [entry, row.name, name, value])
          }
        }
        return .added(cases: file.measurements.count)
      }
    }
  }

  /// What became of a file.
  package enum Addition: Hashable, Sendable {
    case added(cases: Int)
    /// It was there, and its base is called something now.
    case anchored
    case known
  }

  /// - Returns: whether that is news.
  private func anchor(_ file: HistoryEntry, in db: Database) throws -> Bool {
    guard let anchor = file.anchor else { return false }
    try db.execute(
      sql: "UPDATE entry SET anchor = ? WHERE digest = ? AND anchor IS NOT ?",
      arguments: [anchor, file.digest, anchor])
    return db.changesCount > 0
  }

  /// The cases whose names match a shell's pattern, each on each class of machines.
  package func series(matching pattern: String) throws -> [HistorySeries] {
    let rows = try guarded {
      try queue.read { db in
        try Row.fetchAll(
          db,
          sql: """
            SELECT machine.name AS machine, fingerprint, measurement.*, added, "commit", anchor
            FROM measurement
              JOIN entry ON entry.id = measurement.entry
              JOIN machine ON machine.id = entry.machine
            ORDER BY machine.id, "case", entry.id
            """)
      }
    }
    var series: OrderedDictionary<[String], HistorySeries> = [:]
    for row in rows.map({ HistoryRow(row: $0, path: path) }) {
      let name = try row.text("case")
      guard Acceptance.matches(name, pattern) else { continue }
      let key = [try row.text("fingerprint"), name]
      var ratio: HistorySeries.Ratio?
      if let median: Double = try row.optional("ratio") {
        ratio = HistorySeries.Ratio(
          median: try row.positive(median, "ratio"), low: try row.optional("ratio_low"),
          high: try row.optional("ratio_high"))
      }
      let point = HistorySeries.Point(
        entry: try row.required("entry"), added: try row.text("added"),
        commit: try row.optional("commit"),
        median: try row.positive(try row.required("median"), "median"),
        anchor: try row.optional("anchor"), ratio: ratio)
      let machine = try row.text("machine")
      series[key, default: HistorySeries(name: name, machine: machine)].append(point)
    }
    return Array(series.values)
  }

  private func guarded<Value>(_ work: () throws -> Value) throws -> Value {
    do {
      return try work()
    } catch let error as DatabaseError {
      throw HistoryFault(error, path)
    }
  }
}

/// A row whose columns may hold anything: SQLite stores what it is given, whatever the table says.
private struct HistoryRow {
  let row: Row
  let path: String

  func optional<Value: DatabaseValueConvertible>(_ column: String) throws -> Value? {
    guard let stored: DatabaseValue = row[column], !stored.isNull else { return nil }
    guard let value = Value.fromDatabaseValue(stored) else { throw damage(column) }
    return value
  }

  func required<Value: DatabaseValueConvertible>(_ column: String) throws -> Value {
    guard let value: Value = try optional(column) else { throw damage(column) }
    return value
  }

  func text(_ column: String) throws -> String { try required(column) }

  func positive(_ value: Double, _ column: String) throws -> Double {
    guard (1e-13...3.2e9).contains(value) else { throw damage(column) }
    return value
  }

  private func damage(_ column: String) -> HistoryFault {
    .damaged(path, "a value of the column \(column) cannot be")
  }
}

/// What can be wrong with a history.
package enum HistoryFault: FaultConvertible, Hashable {
  case missing(String)
  case foreign(String)
  case newer(String, Int)
  case damaged(String, String)
  case busy(String)
  case failed(String, String)

  fileprivate init(_ error: DatabaseError, _ path: String) {
    let words = error.message ?? "\(error.resultCode)"
    switch error.resultCode {
    case .SQLITE_NOTADB: self = .foreign(path)
    // What the tables lack, no history of ours does.
    case .SQLITE_CORRUPT, .SQLITE_ERROR: self = .damaged(path, words)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path)
    default: self = .failed(path, words)
    }
  }

  package var fault: Fault {
    switch self {
    case .missing(let path):
      Fault("there is no history", at: path, fix: "begin one with: headroom history add RUN")
    case .foreign(let path):
      Fault(
        "the file is no history of headroom's; it was left as it is", at: path,
        fix: "name another with --file")
    case .newer(let path, let version):
      Fault(
        "the history has version \(version), and this program knows \(HistorySchema.version); it was"
          + " left as it is",
        at: path, fix: "use the version of headroom that wrote it")
    case .damaged(let path, let why):
      Fault(
        "the history is damaged: \(why); it was left as it is", at: path,
        fix: "restore it, or save what can be: sqlite3 \(path) .recover | sqlite3 NEW")
    case .busy(let path):
      Fault(
        "another program has held the history for half a minute", at: path,
        fix: "see which one does, and try again: nothing was added")
    case .failed(let path, let why):
      Fault(
        "the history cannot be used: \(why)", at: path,
        fix: "see that the folder may be written and the disk has room: nothing was added")
    }
  }
}
