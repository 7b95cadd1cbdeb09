package import Comparing
import Quantities
import Records

/// Changes of level and creep, for people.
package enum HistoryChangesDocument {
  package static func make(_ changes: HistoryChanges) -> Document {
    var document = Document("changes") { try JSONText.encode(changes, pretty: true) }
    let moved = changes.changes.map { change in
      let commit = change.at.commit.map { ", commit \($0.prefix(12))" } ?? ""
      return Table.Row(
        Table.Label(name: change.name), [],
        words: [
          "\(Cell.signed(change.change)) from \(change.at.added) on (result "
            + "\(change.at.entry)\(commit)), \(change.machine)"
        ])
    }
    let crept = changes.creeps.map { creep in
      Table.Row(
        Table.Label(name: creep.name), [],
        words: [
          "warning: crept \(Cell.signed(creep.ratio.median - 1)) since \(creep.anchor), "
            + creep.machine
        ], tone: .warning)
    }
    document.add(.table(Table([], rows: moved + crept)))
    let short =
      changes.tooShort > 0 ? "; \(changes.tooShort) have under 10 results, too few to search" : ""
    document.say(
      "\(changes.searched) cases searched for a level that became \(changes.direction.rawValue): "
        + "\(changes.changes.count) found, of which on average at most "
        + "\(significant(changes.falseShare * 100)) % are none\(short). Advisory: the machine's own "
        + "sessions differ, too.")
    return document
  }
}
