package import Kernels

/// How a step is made, besides the model's shape: what saves memory, and what it costs.
package struct TrainingOptions: Hashable, Sendable {
  package var checkpointing = Checkpointing.none
  package var loss = LinearCrossEntropy.Chunks.whole
  package var optimizer = Optimizer(.adamw)
  package var schedule = RateSchedule()
  /// Parameters are updated as soon as their gradient is whole, and it is let go of.
  package var updatesInBackward = false
  /// The maximum of the norm of all gradients.
  package var clip: Float?
  package var rotary = Rotary(.neox)

  package init() {}
}
