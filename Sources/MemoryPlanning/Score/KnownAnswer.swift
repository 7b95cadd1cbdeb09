import Foundation
import Models
import Quantities

/// What is predicted of a known figure, in the figure's own unit.
package struct KnownAnswer: Sendable {
  package let row: KnownRow
  /// The best estimate, and an interval that holds what is not known of the other program.
  package let predicted: Double?
  package let low: Double?
  package let high: Double?
  /// The figure as a number; 1 and 0 for yes and no.
  package let value: Double?
  /// Why there is no prediction.
  package let why: String?

  /// Of the prediction, as a share of the figure; nil where there is none, or where it is yes or no.
  package var error: Double? {
    guard let predicted, let value, value != 0, row.quantity != "fits" else { return nil }
    return (predicted - value) / value
  }

  /// Whether the interval holds the figure, which is rounded to the digits that it has.
  package var isCovered: Bool? {
    guard let low, let high, let value else { return nil }
    let digits = row.value.split(separator: ".").dropFirst().first?.count ?? 0
    let half = 0.5 * pow(10, -Double(digits))
    return low - half <= value && value <= high + half
  }

  /// Of `fits`: whether the answer is the right one; nil where it is "cannot tell".
  package var isRight: Bool? {
    guard row.quantity == "fits", let value, let predicted, let low, let high, low == high else {
      return nil
    }
    return predicted == value
  }
}

extension KnownAnswer {
  package init(_ row: KnownRow) {
    let value = Self.number(row.value)
    func none(_ why: String) -> KnownAnswer {
      KnownAnswer(row: row, predicted: nil, low: nil, high: nil, value: value, why: why)
    }
    do {
      guard let value else { throw SettingFault.inexpressible("'\(row.value)' is not a number") }
      let found = try KnownQuantity(row).answer()
      self.init(
        row: row, predicted: found.best, low: found.low, high: found.high, value: value, why: nil)
    } catch let fault as SettingFault {
      self = none(fault.words)
    } catch {
      self = none("\(error)")
    }
  }

  private static func number(_ text: String) -> Double? {
    switch text.lowercased() {
    case "yes", "true", "fits": 1
    case "no", "false", "oom": 0
    default: Double(text.replacing(",", with: ""))
    }
  }
}
