package import Kernels
package import Records

/// A kernel whose calls are steps of training, and that tells of them.
package protocol TrainingKernelAccount: Kernel {
  var training: Record.Training { get }
}
