import Quantities

/// What can be wrong with a suite, or with what the command line says of one.
package enum SuiteFault: FaultConvertible, Hashable {
  // The file
  case notYAML(String, Place)
  case duplicateKey(String, Place)
  case unknownKey(String, of: String, known: [String], Place)
  case missingKey(String, of: String, Place)
  case wrongShape(String, wanted: String, found: String, Place)
  case badName(String, Place)
  case badMeasure(MeasureKey, String, Place)
  case badGate(GateKey, String, Place)
  case emptySweep(Place)
  case emptyCondition(Place)
  case claimsNothing(Place)
  case claimWithoutSavers(Place)
  case notARatio(String, key: String, Place)

  // Names
  case unknownWorkload(String, known: [String], Place)
  case unknownAxis(String, workload: String, known: [String], Place)
  case unknownWord(String, axis: String, known: [String], Place)
  case unknownVariant(String, workload: String, known: [String])
  case inexpressibleModel(String, has: String, workload: String, Place)
  case beyondContext(Int, axis: String, model: String, context: Int, Place)
  case axisTwice(String, Place)
  case missingAxis(String, workload: String, Place)

  // Values
  case noValue(axis: String, Place)
  case notANumber(String, axis: String, words: [String], Place)
  case notAnAmount(String, axis: String, Place)
  case notAShare(String, axis: String, Place)
  case tooSmall(String, least: Int = 1, axis: String, Place)
  case repeatedValue(String, axis: String, Place)
  case rangeBackwards(axis: String, Int, Int, Place)
  case rangeNeverEnds(axis: String, from: Int, AxisRange.Step, Place)
  case rangeOfWords(axis: String, Place)
  case twoSteps(axis: String, Place)

  // Cases
  case tooManyCases(Int, limit: Int, Place)
  case tooLarge(String, Place)
  case noProblem(String, mend: String, Place)
  case tooManyThreads(Int, cores: Int, Place)
  case noContenders(workload: String, Place)
  case duplicateCase(String, first: Place, Place)

  // The command line
  case notAnAssignment(String)
  case badFilter(String, why: String)
  case filterMatchesNothing(String, of: Int)
  case badShard(String)
}
