import Kernels
import Quantities

/// The operations of a forward pass in their order, and the values between them.
struct Graph {
  private(set) var values: [ValueFacts] = []
  private(set) var operations: [any TapeOperation] = []

  mutating func value(
    _ name: String, layer: Int? = nil, _ part: ValueFacts.Part, rows: Int, columns: Int,
    _ element: FloatFormat = .fp32
  ) -> Value {
    values.append(
      ValueFacts(
        name: name, layer: layer, part: part, rows: rows, columns: columns, element: element))
    return Value(index: values.count - 1)
  }

  mutating func add(_ operation: any TapeOperation) { operations.append(operation) }

  subscript(value: Value) -> ValueFacts { values[value.index] }

  /// Values that the loss depends on through something that is trained.
  var differentiable: Set<Value> {
    var found: Set<Value> = []
    for operation in operations
    where operation.parameters.contains(where: \.isTrained)
      || operation.inputs.contains(where: found.contains)
    {
      found.formUnion(operation.outputs)
    }
    return found
  }

  /// Who computes a value.
  var producers: [Value: Int] {
    var found: [Value: Int] = [:]
    for (index, operation) in operations.enumerated() {
      for output in operation.outputs { found[output] = index }
    }
    return found
  }

  /// All weights, each once, in the order of their first use.
  var parameters: [Parameter] {
    var seen: Set<ObjectIdentifier> = []
    return operations.flatMap(\.parameters).filter {
      seen.insert(ObjectIdentifier($0)).inserted
    }
  }

  var trained: [Parameter] { parameters.filter(\.isTrained) }
}
