/// What somebody published of a memory saver: how many times the memory and the time it takes.
struct PublishedClaim {
  /// As a suite writes them.
  let savers: String
  let memory: Double?
  let time: Double?
  let source: String

  /// Each on its own machine and model: what a reader expects, and may not find here.
  static let all = table.split(separator: "\n").dropFirst().map { line in
    let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
      $0.trimmingBlanks
    }
    precondition(cells.count == 4, "a row of the table of claims: \(line)")
    return PublishedClaim(
      savers: cells[0], memory: Double(cells[1]), time: Double(cells[2]), source: cells[3])
  }

  private static let table = """
    savers           | memory | time | source
    block            | 0.58   | 1.27 | torchtune, its ladder of memory optimizations
    block            | 0.31   | 1.28 | accelerate#4175
    block            | 0.67   | 1.15 | guides: 24 GB become 16 for 15 % more time
    block            | 0.45   | 1.27 | BERT in TensorFlow, cybertronai/gradient-checkpointing#55
    lora(8)          | 0.48   | 0.85 | torchtune, its ladder of memory optimizations
    lora(8)          | 0.57   | 0.44 | PEFT's comparison of methods, Llama-3.2-3B
    lora(8)+nf4      | 0.26   | 0.87 | torchtune, LoRA and QLoRA one after the other
    adamw8           | 0.80   | 1.05 | torchtune, its ladder of memory optimizations
    tokens(512)      | 0.84   | 0.98 | torchtune, chunked cross-entropy
    tokens(512)      | 0.34   | 1.12 | pytorch#124480, eight chunks of a compiled loss alone
    in-backward      | 0.93   | 0.99 | torchtune, the optimizer fused with the backward pass
    """
}

extension Substring {
  fileprivate var trimmingBlanks: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
