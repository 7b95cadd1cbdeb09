package import Foundation
package import MemoryPlanning
import Quantities

/// Settings that stand in a file, one a line, and what each takes.
package enum FitLines {
  /// - Returns: an answer a line that is not blank, in their order.
  /// - Throws: `FitFault.line` for the first that cannot be answered.
  package static func answers(_ data: Data, threads: Int? = nil) throws -> [MemoryAnswer] {
    var solver = FitSolver(threads: threads)
    var found: [MemoryAnswer] = []
    var number = 0
    for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      do {
        found.append(try solver.answer(try FitSetting(try FlatObject.read(line))))
      } catch let fault as any FaultConvertible {
        throw FitFault.line(number, fault.fault)
      }
    }
    return found
  }
}
