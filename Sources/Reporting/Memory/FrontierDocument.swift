import Foundation
package import Planning
import Quantities
import Records

/// For each value of one axis, the most of another that fits.
package enum FrontierDocument {
  package static func make(
    _ points: [FrontierPoint], _ first: String, _ second: String, _ limit: FitLimit
  ) -> Document {
    var document = Document("frontier") {
      try JSONText.encode(points.map { Point($0, first, second) }, pretty: true)
    }
    document.say("The most \(second) that fits \(limit.name), for each \(first):", .strong)
    document.add(
      .table(
        Table(
          [.init(first), .init("\(second) up to"), .init("peak"), .init("phase", .left)],
          rows: points.map { point in
            Table.Row(
              .none,
              [
                .count(point.first), point.second.map { .count($0) } ?? .words("nothing fits"),
                point.bytes.map { .bytes($0) } ?? .absent, .words(point.phase),
              ])
          })))
    return document
  }

  private struct Point: Encodable {
    let axes: [String: Int]
    let bytes: Int?
    let phase: String

    init(_ point: FrontierPoint, _ first: String, _ second: String) {
      axes = point.second.map { [first: point.first, second: $0] } ?? [first: point.first]
      bytes = point.bytes?.count
      phase = point.phase
    }
  }
}
