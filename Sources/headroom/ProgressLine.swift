import Planning
import Quantities
import Records

/// One line on standard error that is written over; nothing where that is no terminal.
struct ProgressLine {
  private var isShown = false

  mutating func say(_ text: String) {
    guard Console.hasProgress else { return }
    clear()
    Console.write(progress: String(text.printable().prefix(79)))
    isShown = true
  }

  mutating func show(cases: [PlannedCase], done: Int, total: Int, left: Seconds) {
    let name = cases.first?.case.id ?? ""
    let more = cases.count > 1 ? " and \(cases.count - 1) more in turns" : ""
    say("\(done)/\(total) done, \(left) left: \(name)\(more)")
  }

  mutating func clear() {
    guard isShown else { return }
    Console.write(progress: "\r\u{1B}[K")
    isShown = false
  }
}
