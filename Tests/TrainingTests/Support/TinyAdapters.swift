import Kernels
import Models
import Training

/// Adapters of a tiny model as `adapters.py` draws them.
struct TinyAdapters: AdapterWeights {
  let model: TinyModel

  func fill(
    _ name: String, _ part: AdapterPart, rows: Int, columns: Int,
    into numbers: UnsafeMutablePointer<Float>
  ) {
    let parts = name.split(separator: ".").map(String.init)
    let layer = parts.compactMap(Int.init).first ?? 0
    for index in 0..<rows * columns {
      numbers[index] = number(index, parts, layer: layer, columns: columns)
    }
  }

  private func number(_ index: Int, _ parts: [String], layer: Int, columns: Int) -> Float {
    switch parts[0] {
    case "prefix":
      // PEFT has one matrix: a row a token, [layer][key, value][head][element].
      let place = 2 * layer + (parts[2] == "values" ? 1 : 0)
      let element = (index / columns * 2 * model.layers + place) * columns + index % columns
      return 0x1p-4 * model.drawn(1 << 18, element)
    case "bottleneck":
      let place = parts[2] == "network" ? 4 : 0
      let isUp = parts[3] == "up" ? 1 : 0
      return 0x1p-4 * model.drawn(1 << 20 + 8 * layer + place + isUp, index)
    default:
      let product = 8 * layer + self.product(parts)
      if parts.last == "ia3_l" { return 1 + 0x1p-4 * model.drawn(1 << 19 + product, index) }
      let isB = parts.contains("lora_B") ? 1 : 0
      return 0x1p-5 * model.drawn(1 << 17 + 2 * product + isB, index)
    }
  }

  private func product(_ parts: [String]) -> Int {
    ModelShape.Product.allCases.first { product in
      product.module.split(separator: ".").last.map { parts.contains(String($0)) } ?? false
    }?.rawValue ?? 0
  }
}

/// The same, but that what goes out of an adapter is 0, as it is before training.
struct UntrainedAdapters: AdapterWeights {
  let others: TinyAdapters

  func fill(
    _ name: String, _ part: AdapterPart, rows: Int, columns: Int,
    into numbers: UnsafeMutablePointer<Float>
  ) {
    if case .up = part { return numbers.update(repeating: 0, count: rows * columns) }
    others.fill(name, part, rows: rows, columns: columns, into: numbers)
  }
}
