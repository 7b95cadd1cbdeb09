import Kernels

/// One operation of a step, forward and backward: what it reads and writes is told ahead, and a schedule is
/// made of that.
protocol TapeOperation: AnyObject {
  var name: String { get }
  var layer: Int? { get }
  var inputs: [Value] { get }
  var outputs: [Value] { get }
  var parameters: [Parameter] { get }
  /// How each input's gradient comes about.
  var flows: [GradientFlow] { get }
  /// Those of its inputs and outputs whose numbers the way back reads.
  var backwardReads: [Value] { get }
  /// Floats that it needs besides, while it runs.
  var forwardScratch: [Int] { get }
  var backwardScratch: [Int] { get }
  /// Whether it has no way forward but together with the way back: the loss.
  var isLoss: Bool { get }
  /// Whether the way back writes all inputs' gradients, asked for or not.
  var writesAllGradients: Bool { get }
  var forwardFlops: Int { get }
  /// - Parameter inputs: whether each input has a gradient.
  func backwardFlops(inputs: [Bool]) -> FlopCount
  /// Makes ready what a call does, in memory that is laid out.
  func forward(_ bound: Bound) -> () -> Void
  func backward(_ bound: Bound) -> () -> Void
}

extension TapeOperation {
  var parameters: [Parameter] { [] }
  var forwardScratch: [Int] { [] }
  var backwardScratch: [Int] { [] }
  var isLoss: Bool { false }
  var writesAllGradients: Bool { false }
  var forwardFlops: Int { 0 }
  func backwardFlops(inputs: [Bool]) -> FlopCount { FlopCount(model: 0, executed: 0) }
}

/// Operations as the formula has them, and as they are executed.
struct FlopCount {
  var model: Int
  var executed: Int

  init(model: Int, executed: Int) {
    self.model = model
    self.executed = executed
  }

  /// What the formula says is what is done.
  init(_ both: Int) { self.init(model: both, executed: both) }

  static func + (left: FlopCount, right: FlopCount) -> FlopCount {
    FlopCount(model: left.model + right.model, executed: left.executed + right.executed)
  }
}

/// How the gradient of an input comes about.
enum GradientFlow: Hashable {
  /// There is none.
  case none
  /// It is computed: written, or added to what there is.
  case computed
  /// It is an output's, as it is: what is added to an input passes through.
  case passed(output: Int)
  /// It is computed where an output's gradient was.
  case inPlace(output: Int)
}

/// What an operation finds at one place of a schedule.
struct Bound {
  let values: [Value: Tensor]
  let gradients: [Value: Tensor]
  /// Gradients of inputs that hold something already.
  let added: Set<Value>
  let parameterGradients: [ObjectIdentifier: Tensor]
  /// Parameters whose gradient was written by an operation before, in the same micro-batch.
  let begun: Set<ObjectIdentifier>
  let scratch: [Tensor]
  let state: StepState

  func value(_ value: Value) -> Tensor { found(values[value]) }
  func gradient(_ value: Value) -> Tensor { found(gradients[value]) }
  func gradientIfAny(_ value: Value) -> Tensor? { gradients[value] }
  func adds(_ value: Value) -> Bool { added.contains(value) }
  func floats(_ index: Int) -> UnsafeMutablePointer<Float> {
    scratch[index].pointer(to: Float.self)
  }

  /// Where a parameter's gradient goes, where it has one, and whether the call that is under way adds to it.
  func gradient(of parameter: Parameter) -> (to: UnsafeMutablePointer<Float>, adds: () -> Bool)? {
    let id = ObjectIdentifier(parameter)
    guard let tensor = parameterGradients[id] else { return nil }
    let (isBegun, state) = (begun.contains(id), state)
    return (tensor.pointer(to: Float.self), { isBegun || state.microBatch > 0 })
  }

  private func found(_ tensor: Tensor?) -> Tensor {
    guard let tensor else { preconditionFailure("an operation reads what it did not list") }
    return tensor
  }
}

/// What changes from call to call.
final class StepState {
  var microBatch = 0
  /// Steps that the optimizer has done, and those that were begun.
  var step = 0
  var calls = 0
  /// Nothing is updated in this step.
  var isSkipped = false
  /// What gradients of the loss are multiplied by: 1 over the targets of the step, times the loss's scale.
  var lossFactor: Float = 1
  var lossScale: Float = 1
  /// What the optimizer multiplies gradients by: clipping, and what undoes the loss's scale.
  var gradientScale: Float = 1
  var gradientNorm = 0.0
  /// Of all gradients so far, as they are before they are scaled.
  var squares = 0.0
  /// The sum over the rows that have a target.
  var loss = 0.0
  /// Weights in 16 bits whose update was rounded away.
  var lostUpdates = 0
  var rate: Float = 0
}
