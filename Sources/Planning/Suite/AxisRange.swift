/// Numbers from one to another, by multiplying or by adding; the end is among them if it is hit.
package struct AxisRange: Hashable, Sendable {
  package enum Step: Hashable, Sendable {
    case times(Int)
    case plus(Int)
  }

  package let from: Int
  package let to: Int
  package let step: Step

  package init(from: Int, to: Int, step: Step, axis: String, at place: Place) throws {
    guard from <= to else { throw SuiteFault.rangeBackwards(axis: axis, from, to, place) }
    switch step {
    case .times(let factor):
      guard factor > 1, from > 0 else {
        throw SuiteFault.rangeNeverEnds(axis: axis, from: from, step, place)
      }
    case .plus(let term):
      guard term > 0 else { throw SuiteFault.rangeNeverEnds(axis: axis, from: from, step, place) }
    }
    self.from = from
    self.to = to
    self.step = step
  }

  /// Reads `1-64*2` or `0-4096+512`; a text of another form is no range.
  init?(_ text: String, axis: String, at place: Place) throws {
    guard let match = text.wholeMatch(of: /(\d+)-(\d+)([*+])(\d+)/),
      let from = Int(match.1), let to = Int(match.2), let number = Int(match.4)
    else { return nil }
    let step = match.3 == "*" ? Step.times(number) : .plus(number)
    try self.init(from: from, to: to, step: step, axis: axis, at: place)
  }

  /// How many numbers there are, without making them.
  package var count: Int {
    switch step {
    case .plus(let term):
      let (span, overflow) = to.subtractingReportingOverflow(from)
      return overflow ? .max : (span / term).addingOrMax(1)
    case .times(let factor):
      var count = 1
      var last = from
      while true {
        let (next, overflow) = last.multipliedReportingOverflow(by: factor)
        if overflow || next > to { return count }
        last = next
        count += 1
      }
    }
  }

  /// Only to be made once `count` is known to be bearable.
  package var numbers: [Int] {
    var numbers = [from]
    for _ in 1..<max(1, count) {
      let last = numbers[numbers.count - 1]
      switch step {
      case .times(let factor): numbers.append(last * factor)
      case .plus(let term): numbers.append(last + term)
      }
    }
    return numbers
  }
}

extension AxisRange.Step: CustomStringConvertible {
  package var description: String {
    switch self {
    case .times(let factor): "times \(factor)"
    case .plus(let term): "plus \(term)"
    }
  }
}
