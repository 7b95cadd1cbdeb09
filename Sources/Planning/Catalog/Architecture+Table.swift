extension Architecture {
  /// - Source: each model's published configuration (`config.json` beside its weights).
  package static let all = [
    Architecture(
      name: "llama-2-7b", layers: 32, hidden: 4096, ffn: 11008, heads: 32, kvHeads: 32,
      headDim: 128,
      vocab: 32000, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "llama-2-13b", layers: 40, hidden: 5120, ffn: 13824, heads: 40, kvHeads: 40,
      headDim: 128,
      vocab: 32000, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "llama-2-70b", layers: 80, hidden: 8192, ffn: 28672, heads: 64, kvHeads: 8,
      headDim: 128,
      vocab: 32000, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "llama-3-8b", layers: 32, hidden: 4096, ffn: 14336, heads: 32, kvHeads: 8, headDim: 128,
      vocab: 128256, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "llama-3-70b", layers: 80, hidden: 8192, ffn: 28672, heads: 64, kvHeads: 8,
      headDim: 128,
      vocab: 128256, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "llama-3.1-405b", layers: 126, hidden: 16384, ffn: 53248, heads: 128, kvHeads: 8,
      headDim: 128,
      vocab: 128256, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "llama-3.2-1b", layers: 16, hidden: 2048, ffn: 8192, heads: 32, kvHeads: 8, headDim: 64,
      vocab: 128256, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "llama-3.2-3b", layers: 28, hidden: 3072, ffn: 8192, heads: 24, kvHeads: 8,
      headDim: 128,
      vocab: 128256, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "deepseek-7b", layers: 30, hidden: 4096, ffn: 11008, heads: 32, kvHeads: 32,
      headDim: 128,
      vocab: 102400, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "deepseek-r1-distill-qwen-1.5b", layers: 28, hidden: 1536, ffn: 8960, heads: 12,
      kvHeads: 2, headDim: 128,
      vocab: 151936, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "deepseek-r1-distill-qwen-7b", layers: 28, hidden: 3584, ffn: 18944, heads: 28,
      kvHeads: 4, headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "deepseek-r1-distill-llama-8b", layers: 32, hidden: 4096, ffn: 14336, heads: 32,
      kvHeads: 8, headDim: 128,
      vocab: 128256, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "deepseek-r1-distill-qwen-14b", layers: 48, hidden: 5120, ffn: 13824, heads: 40,
      kvHeads: 8, headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "deepseek-r1-distill-qwen-32b", layers: 64, hidden: 5120, ffn: 27648, heads: 40,
      kvHeads: 8, headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "deepseek-r1-distill-llama-70b", layers: 80, hidden: 8192, ffn: 28672, heads: 64,
      kvHeads: 8, headDim: 128,
      vocab: 128256, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-0.5b", layers: 24, hidden: 896, ffn: 4864, heads: 14, kvHeads: 2, headDim: 64,
      vocab: 151936, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-1.5b", layers: 28, hidden: 1536, ffn: 8960, heads: 12, kvHeads: 2,
      headDim: 128,
      vocab: 151936, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-3b", layers: 36, hidden: 2048, ffn: 11008, heads: 16, kvHeads: 2, headDim: 128,
      vocab: 151936, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-7b", layers: 28, hidden: 3584, ffn: 18944, heads: 28, kvHeads: 4, headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-14b", layers: 48, hidden: 5120, ffn: 13824, heads: 40, kvHeads: 8,
      headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-32b", layers: 64, hidden: 5120, ffn: 27648, heads: 40, kvHeads: 8,
      headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen2.5-72b", layers: 80, hidden: 8192, ffn: 29568, heads: 64, kvHeads: 8,
      headDim: 128,
      vocab: 152064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen3-0.6b", layers: 28, hidden: 1024, ffn: 3072, heads: 16, kvHeads: 8, headDim: 128,
      vocab: 151936, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "qwen3-1.7b", layers: 28, hidden: 2048, ffn: 6144, heads: 16, kvHeads: 8, headDim: 128,
      vocab: 151936, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "qwen3-4b", layers: 36, hidden: 2560, ffn: 9728, heads: 32, kvHeads: 8, headDim: 128,
      vocab: 151936, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "qwen3-8b", layers: 36, hidden: 4096, ffn: 12288, heads: 32, kvHeads: 8, headDim: 128,
      vocab: 151936, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen3-14b", layers: 40, hidden: 5120, ffn: 17408, heads: 40, kvHeads: 8, headDim: 128,
      vocab: 151936, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "qwen3-32b", layers: 64, hidden: 5120, ffn: 25600, heads: 64, kvHeads: 8, headDim: 128,
      vocab: 151936, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "mistral-7b", layers: 32, hidden: 4096, ffn: 14336, heads: 32, kvHeads: 8, headDim: 128,
      vocab: 32768, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "mistral-small-24b", layers: 40, hidden: 5120, ffn: 32768, heads: 32, kvHeads: 8,
      headDim: 128,
      vocab: 131072, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "phi-3-mini", layers: 32, hidden: 3072, ffn: 8192, heads: 32, kvHeads: 32, headDim: 96,
      vocab: 32064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "phi-3-medium", layers: 40, hidden: 5120, ffn: 17920, heads: 40, kvHeads: 10,
      headDim: 128,
      vocab: 32064, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "gemma-2-2b", layers: 26, hidden: 2304, ffn: 9216, heads: 8, kvHeads: 4, headDim: 256,
      vocab: 256000, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "gemma-2-9b", layers: 42, hidden: 3584, ffn: 14336, heads: 16, kvHeads: 8, headDim: 256,
      vocab: 256000, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "gemma-2-27b", layers: 46, hidden: 4608, ffn: 36864, heads: 32, kvHeads: 16,
      headDim: 128,
      vocab: 256000, isTied: true, mlp: "swiglu"),
    Architecture(
      name: "tinyllama-1.1b", layers: 22, hidden: 2048, ffn: 5632, heads: 32, kvHeads: 4,
      headDim: 64,
      vocab: 32000, isTied: false, mlp: "swiglu"),
    Architecture(
      name: "gpt-2", layers: 12, hidden: 768, ffn: 3072, heads: 12, kvHeads: 12, headDim: 64,
      vocab: 50257, isTied: true, mlp: "gelu"),
    Architecture(
      name: "gpt-2-medium", layers: 24, hidden: 1024, ffn: 4096, heads: 16, kvHeads: 16,
      headDim: 64,
      vocab: 50257, isTied: true, mlp: "gelu"),
    Architecture(
      name: "gpt-2-large", layers: 36, hidden: 1280, ffn: 5120, heads: 20, kvHeads: 20, headDim: 64,
      vocab: 50257, isTied: true, mlp: "gelu"),
    Architecture(
      name: "gpt-2-xl", layers: 48, hidden: 1600, ffn: 6400, heads: 25, kvHeads: 25, headDim: 64,
      vocab: 50257, isTied: true, mlp: "gelu"),
  ]
}
