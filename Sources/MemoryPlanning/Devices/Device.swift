package import Quantities

/// A machine that somebody may have or rent, and how much of its memory a program can have.
package struct Device: Hashable, Sendable {
  /// As the command line writes it.
  package let name: String
  /// What a program can be given, as its driver or system counts it.
  package let memory: Bytes
  package let source: String

  /// The one of that name, in capitals or not.
  package static func named(_ name: String) -> Device? {
    let wanted = name.lowercased()
    return all.first { $0.name == wanted }
  }

  private init(_ name: String, mebibytes: Int, _ source: String) {
    self.name = name
    memory = .mebibytes(mebibytes)
    self.source = source
  }

  /// Sizes as the driver tells them (`nvidia-smi`, memory.total), which keeps a little for itself; of machines with
  /// shared memory the size that they are sold with.
  package static let all: [Device] = [
    Device("t4", mebibytes: 15_360, "NVIDIA T4 datasheet, 16 GB with ECC on"),
    Device("p100-16gb", mebibytes: 16_280, "NVIDIA Tesla P100 datasheet"),
    Device("v100-16gb", mebibytes: 16_160, "NVIDIA V100 datasheet"),
    Device("v100-32gb", mebibytes: 32_510, "NVIDIA V100 datasheet"),
    Device("rtx-3060", mebibytes: 12_288, "NVIDIA GeForce RTX 3060 specification"),
    Device("rtx-3080", mebibytes: 10_240, "NVIDIA GeForce RTX 3080 specification"),
    Device("rtx-3090", mebibytes: 24_576, "NVIDIA GeForce RTX 3090 specification"),
    Device("rtx-4060-ti-16gb", mebibytes: 16_380, "NVIDIA GeForce RTX 4060 Ti specification"),
    Device("rtx-4070", mebibytes: 12_282, "NVIDIA GeForce RTX 4070 specification"),
    Device("rtx-4080", mebibytes: 16_376, "NVIDIA GeForce RTX 4080 specification"),
    Device("rtx-4090", mebibytes: 24_564, "NVIDIA GeForce RTX 4090 specification"),
    Device("rtx-5090", mebibytes: 32_607, "NVIDIA GeForce RTX 5090 specification"),
    Device("rtx-a6000", mebibytes: 49_140, "NVIDIA RTX A6000 datasheet"),
    Device("a10", mebibytes: 23_028, "NVIDIA A10 datasheet"),
    Device("l4", mebibytes: 23_034, "NVIDIA L4 datasheet"),
    Device("l40s", mebibytes: 46_068, "NVIDIA L40S datasheet"),
    Device("a100-40gb", mebibytes: 40_960, "NVIDIA A100 datasheet"),
    Device("a100-80gb", mebibytes: 81_920, "NVIDIA A100 datasheet"),
    Device("h100-80gb", mebibytes: 81_559, "NVIDIA H100 datasheet"),
    Device("h200", mebibytes: 143_771, "NVIDIA H200 datasheet"),
    Device("b200", mebibytes: 183_359, "NVIDIA B200 datasheet"),
    Device("mi300x", mebibytes: 196_592, "AMD Instinct MI300X datasheet"),
    Device("mac-16gb", mebibytes: 16_384, "Apple, unified memory; about two thirds for the GPU"),
    Device(
      "mac-64gb", mebibytes: 65_536, "Apple, unified memory; about three quarters for the GPU"),
  ]
}
