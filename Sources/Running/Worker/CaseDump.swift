import Foundation
import Kernels
import ModelFiles
import Quantities
import Records
import Workloads

/// Writes what a case computes on, and what comes out, for other programs to compute it again.
struct CaseDump<W: Workload> {
  let problem: W.Problem
  let variant: Variant<W>
  let order: WorkOrder
  let dump: WorkOrder.Dump
  let pool: ThreadPool

  /// In memory of its own, before the case's: nothing of it is accounted for.
  func write() throws {
    let ledger = try MemoryLedger()
    let operands = try W.operands(for: problem, seed: order.seed, in: ledger)
    let kernel = try variant.prepare(problem, operands, Execution(ledger: ledger, pool: pool))
    // As they are before the first call, as the tensors are.
    try (kernel as? any WitnessedKernel)?.writeFolder(
      String(dump.path.dropLast(".safetensors".count)))
    let tensors = W.witness(of: problem, operands, kernel, furtherCalls: dump.steps)
    try SafetensorsWriter(
      tensors.map(Self.entry),
      metadata: [
        "case": dump.id, "variant": variant.name, "seed": "\(order.seed)",
        "threads": "\(order.threads)",
      ]
    ).write(to: dump.path)
  }

  private static func entry(_ one: WitnessTensor) -> SafetensorsEntry {
    switch one.content {
    case .floats(let values): SafetensorsEntry(one.name, shape: one.shape, values: values)
    case .doubles(let values): SafetensorsEntry(one.name, shape: one.shape, values: values)
    case .integers(let tensor):
      SafetensorsEntry(one.name, .i32, shape: one.shape, bytes: bytes(tensor))
    case .tensor(let tensor):
      switch tensor.elementType {
      case .fp32: SafetensorsEntry(one.name, .f32, shape: one.shape, bytes: bytes(tensor))
      case .fp16: SafetensorsEntry(one.name, .f16, shape: one.shape, bytes: bytes(tensor))
      case .bf16: SafetensorsEntry(one.name, .bf16, shape: one.shape, bytes: bytes(tensor))
      default:
        SafetensorsEntry(one.name, .u8, shape: [tensor.bytes.count], bytes: bytes(tensor))
      }
    }
  }

  private static func bytes(_ tensor: Tensor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: tensor.start, count: tensor.bytes.count)
  }
}
