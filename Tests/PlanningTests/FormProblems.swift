import Planning
import Quantities
import Records
import Workloads

/// Problems of a workload by the values of their axes, for whatever is held against all of them.
struct FormProblems {
  let workload: WorkloadDescription
  /// Each by the names of its axes in suites.
  private(set) var problems: [[String: String]]

  /// The smallest problem, and those that differ from it in one axis: one less, one more, each other word.
  init<W: Workload>(around type: W.Type, _ workload: WorkloadDescription) {
    self.workload = workload
    let values = W.values(of: W.smallest)
    let smallest = Dictionary(
      uniqueKeysWithValues: workload.axes.map { ($0.name, values[$0.label]?.text ?? "") })
    problems = [smallest]
    for axis in workload.axes {
      for text in Self.others(axis, than: smallest[axis.name] ?? "") {
        problems.append(smallest.merging([axis.name: text]) { $1 })
      }
    }
  }

  private static func others(_ axis: Axis, than text: String) -> [String] {
    switch axis.domain {
    case .number(let least, let words):
      let number = Int(text) ?? 0
      return [number - 1, number + 1].filter { $0 >= least }.map(String.init) + words
    case .words(let words): return words
    case .texts(let words, let calls, _, _):
      return words + calls.flatMap { call in [5, 16, 48, 256].map { "\(call)(\($0))" } }
    case .bytes: return []
    }
  }

  /// Adds a grid, `m=1,4 n=8`: all combinations of some axes' values. What is left out is as by default, or as in
  /// the smallest problem.
  mutating func add(_ grid: String) {
    var rows = [
      (problems.first ?? [:]).merging(
        workload.axes.compactMap { axis in axis.defaultValue.map { (axis.name, $0.text) } }
      ) { $1 }
    ]
    for part in grid.split(separator: " ") {
      let (axis, values) = (part.prefix { $0 != "=" }, part.drop { $0 != "=" }.dropFirst())
      rows = rows.flatMap { row in
        values.split(separator: ",").map { row.merging([String(axis): String($0)]) { $1 } }
      }
    }
    problems += rows
  }

  /// A problem as a plan has it; nil where the workload says that there is no such problem.
  func problem(_ values: [String: String]) throws -> (any BoundProblem)? {
    let problem = try workload.problem { name in values[name].map { AxisValue($0) } }
    do {
      try problem.validate()
    } catch is ProblemFault {
      return nil
    }
    return problem
  }
}

/// Larger problems of each workload, as grids: each combination is a problem, or is refused.
let largerProblems: [String: [String]] = [
  "matmul": ["m=1,4,5,17,512,4096 n=1,4096,151936 k=1,4097,14336 precision=\(floats)"],
  "gemm": [
    "m=1,64,2048 n=50,4096,32000 k=1,768,8192 precision=\(floats) pass=forward,input,weight"
  ],
  "quantized-matmul": [
    "m=1,7,512 n=8,11008 k=256,4128 format=\(formats) activations=fastest,fp32,int8",
    "m=6,300 n=8,1001 k=992,4096 \(integers)",
  ],
  "dequantize": [
    "n=1,61,4096 k=32,4096,14336 format=\(formats)", "n=8,1001 k=992,4096 \(integers)",
  ],
  "quantize": [
    "n=1,61,4096 k=32,4096 format=\(formats)",
    "n=8,1001 k=256,992 method=nearest,gptq,gptq-act-order \(integers)",
  ],
  "attention-prefill": [
    "batch=1,3 heads=8 kv-heads=1,2,8 head-dim=64,80,128 tokens=1,100,2048 mask=\(masks) "
      + "precision=\(floats) rope=none,neox",
    "heads=32 kv-heads=3,8 head-dim=1,256 tokens=32768 rope=llama,none",
  ],
  "attention-backward": [
    "batch=1,3 heads=8 kv-heads=1,2,3,8 head-dim=1,64,80,128 tokens=1,100,4096 mask=\(masks) "
      + "precision=\(floats)"
  ],
  "attention-decode": [
    "batch=2 heads=8 kv-heads=2 head-dim=64,80 context=100,4096 new-tokens=1,4 "
      + "cache-type-k=\(caches) cache-type-v=\(caches) paging=\(pages)",
    "batch=1,5 heads=8 kv-heads=1,8 head-dim=64,80 context=1,100,131072 new-tokens=1,3 "
      + "lengths=same,mixed mask=\(masks) kv-cache=on,off rope=none,neox",
  ],
  "rope": [
    "batch=1,4 tokens=1,4096 heads=1,32 head-dim=2,3,128 rope=llama,neox,none "
      + "precision=\(floats)"
  ],
  "decoder-block": [
    "hidden=4096 ffn=11008 heads=32 kv-heads=8,32 head-dim=128 mlp=swiglu,gelu "
      + "format=\(formats) batch=1,4 tokens=1,2,512 depth=0,300",
    "hidden=1024,1000 ffn=2816 heads=16 kv-heads=4,5 head-dim=64,80 tokens=1,2 depth=0,1,3000 "
      + "cache-type-k=\(caches) cache-type-v=fp16,q4_0 paging=\(pages) rope=none,neox",
  ],
  "decoder": [
    "layers=1,3 hidden=1024 ffn=2816 heads=16 kv-heads=4 head-dim=64 vocab=32000 tied=yes,no "
      + "format=\(formats) phase=prefill,decode,both prompt=1,65 tokens=1,16",
    "layers=2 hidden=512 ffn=1536 heads=8 kv-heads=2 head-dim=64 vocab=50 mlp=swiglu,gelu "
      + "format=fp16,q4_k batch=1,3 phase=prefill,decode,both prompt=1,300 tokens=1,5 "
      + "depth=0,1,700 kv-cache=on,off rope=none,llama",
    "layers=2 hidden=512 ffn=1536 heads=8 kv-heads=8 head-dim=64,65 vocab=2000 format=q8_0 "
      + "prompt=1,300 tokens=1,5 depth=0,700 kv-cache=on,off cache-type-k=\(caches) "
      + "cache-type-v=fp32,q8_0 paging=\(pages)",
    "layers=32 hidden=4096 ffn=14336 heads=32 kv-heads=8 head-dim=128 vocab=128256 "
      + "format=bf16,q4_k prompt=2048 tokens=128 depth=8192",
  ],
  "linear-cross-entropy": [
    "tokens=1,100,2048 hidden=1,64,4096 vocab=7,32000,151936 precision=\(floats) "
      + "loss=whole,tokens(1),tokens(256),vocabulary(9),vocabulary(8192)"
  ],
  "optimizer": ["rule=adamw,adamw8,sgd,momentum n=1,4095,4096,4097,100000001"],
  "rms-norm": ["rows=1,4096 columns=1,8192 precision=\(floats) pass=forward,backward"],
  "swiglu": ["rows=1,4096 columns=1,14336 precision=\(floats) pass=forward,backward"],
  "embedding": [
    "tokens=1,8192 vocab=1,128256 hidden=1,4096 precision=\(floats) pass=forward,backward"
  ],
  "self-test": ["nanoseconds=1,1000000"],
]

private let floats = "fp32,fp16,bf16"
private let caches = "fp32,fp16,bf16,q8_0,q4_0"
private let masks = "causal,full,blocks,window(100)"
private let pages = "contiguous,pages(16),pages(48),pages(256),pages(20)"
private let formats = ElementType.allCases.map(\.rawValue).joined(separator: ",")
private let integers =
  "format=int8,int4,int3,q4_0,fp16 group-size=usual,row,32,64,128 zero-point=none,stored "
  + "packing=gptq,awq"
