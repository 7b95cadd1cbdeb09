extension Architecture {
  /// - Source: each model's published configuration (`config.json` beside its weights).
  package static let all = table.split(separator: "\n").dropFirst().map { Architecture(row: $0) }

  private static let table = """
    model                         layers hidden   ffn heads kv-heads head-dim  vocab context tied mlp    beyond
    llama-2-7b                        32   4096 11008    32       32      128  32000    4096 no   swiglu -
    llama-2-13b                       40   5120 13824    40       40      128  32000    4096 no   swiglu -
    llama-2-70b                       80   8192 28672    64        8      128  32000    4096 no   swiglu -
    llama-3-8b                        32   4096 14336    32        8      128 128256    8192 no   swiglu -
    llama-3-70b                       80   8192 28672    64        8      128 128256    8192 no   swiglu -
    llama-3.1-405b                   126  16384 53248   128        8      128 128256  131072 no   swiglu -
    llama-3.2-1b                      16   2048  8192    32        8       64 128256  131072 yes  swiglu -
    llama-3.2-3b                      28   3072  8192    24        8      128 128256  131072 yes  swiglu -
    deepseek-7b                       30   4096 11008    32       32      128 102400    4096 no   swiglu -
    deepseek-r1-distill-qwen-1.5b     28   1536  8960    12        2      128 151936  131072 no   swiglu qkv-bias
    deepseek-r1-distill-qwen-7b       28   3584 18944    28        4      128 152064  131072 no   swiglu qkv-bias
    deepseek-r1-distill-llama-8b      32   4096 14336    32        8      128 128256  131072 no   swiglu -
    deepseek-r1-distill-qwen-14b      48   5120 13824    40        8      128 152064  131072 no   swiglu qkv-bias
    deepseek-r1-distill-qwen-32b      64   5120 27648    40        8      128 152064  131072 no   swiglu qkv-bias
    deepseek-r1-distill-llama-70b     80   8192 28672    64        8      128 128256  131072 no   swiglu -
    qwen2.5-0.5b                      24    896  4864    14        2       64 151936   32768 yes  swiglu qkv-bias
    qwen2.5-1.5b                      28   1536  8960    12        2      128 151936   32768 yes  swiglu qkv-bias
    qwen2.5-3b                        36   2048 11008    16        2      128 151936   32768 yes  swiglu qkv-bias
    qwen2.5-7b                        28   3584 18944    28        4      128 152064  131072 no   swiglu qkv-bias
    qwen2.5-14b                       48   5120 13824    40        8      128 152064  131072 no   swiglu qkv-bias
    qwen2.5-32b                       64   5120 27648    40        8      128 152064  131072 no   swiglu qkv-bias
    qwen2.5-72b                       80   8192 29568    64        8      128 152064  131072 no   swiglu qkv-bias
    qwen3-0.6b                        28   1024  3072    16        8      128 151936   40960 yes  swiglu qk-norm
    qwen3-1.7b                        28   2048  6144    16        8      128 151936   40960 yes  swiglu qk-norm
    qwen3-4b                          36   2560  9728    32        8      128 151936   40960 yes  swiglu qk-norm
    qwen3-8b                          36   4096 12288    32        8      128 151936   40960 no   swiglu qk-norm
    qwen3-14b                         40   5120 17408    40        8      128 151936   40960 no   swiglu qk-norm
    qwen3-32b                         64   5120 25600    64        8      128 151936   40960 no   swiglu qk-norm
    mistral-7b                        32   4096 14336    32        8      128  32768   32768 no   swiglu -
    mistral-small-24b                 40   5120 32768    32        8      128 131072   32768 no   swiglu -
    phi-3-mini                        32   3072  8192    32       32       96  32064    4096 no   swiglu -
    phi-3-medium                      40   5120 17920    40       10      128  32064    4096 no   swiglu -
    gemma-2-2b                        26   2304  9216     8        4      256 256000    8192 yes  geglu  caps,post-norm
    gemma-2-9b                        42   3584 14336    16        8      256 256000    8192 yes  geglu  caps,post-norm
    gemma-2-27b                       46   4608 36864    32       16      128 256000    8192 yes  geglu  caps,post-norm
    tinyllama-1.1b                    22   2048  5632    32        4       64  32000    2048 no   swiglu -
    gpt-2                             12    768  3072    12       12       64  50257    1024 yes  gelu   layer-norm,positions,biases
    gpt-2-medium                      24   1024  4096    16       16       64  50257    1024 yes  gelu   layer-norm,positions,biases
    gpt-2-large                       36   1280  5120    20       20       64  50257    1024 yes  gelu   layer-norm,positions,biases
    gpt-2-xl                          48   1600  6400    25       25       64  50257    1024 yes  gelu   layer-norm,positions,biases
    llama-3.1-8b                      32   4096 14336    32        8      128 128256  131072 no   swiglu -
    llama-3.1-70b                     80   8192 28672    64        8      128 128256  131072 no   swiglu -
    llama-30b                         60   6656 17920    52       52      128  32000    2048 no   swiglu -
    llama-65b                         80   8192 22016    64       64      128  32000    2048 no   swiglu -
    codellama-34b                     48   8192 22016    64        8      128  32000   16384 no   swiglu -
    mistral-7b-v0.1                   32   4096 14336    32        8      128  32000   32768 no   swiglu -
    mistral-7b-v0.3                   32   4096 14336    32        8      128  32768   32768 no   swiglu -
    mistral-small-22b-2409            56   6144 16384    48        8      128  32768   32768 no   swiglu -
    mistral-small-24b-2501            40   5120 32768    32        8      128 131072   32768 no   swiglu -
    smollm2-135m                      30    576  1536     9        3       64  49152    8192 yes  swiglu -
    smollm2-360m                      32    960  2560    15        5       64  49152    8192 yes  swiglu -
    smollm2-1.7b                      24   2048  8192    32       32       64  49152    8192 yes  swiglu -
    deepseek-coder-1.3b               24   2048  5504    16       16      128  32256   16384 no   swiglu -
    yi-6b                             32   4096 11008    32        4      128  64000    4096 no   swiglu -
    yi-34b                            60   7168 20480    56        8      128  64000    4096 no   swiglu -
    gemma-2b                          18   2048 16384     8        1      256 256000    8192 yes  geglu  -
    phi-1.5                           24   2048  8192    32       32       64  51200    2048 no   gelu   layer-norm,biases,head-bias,parallel
    falcon-7b                         32   4544 18176    71        1       64  65024    2048 yes  gelu   layer-norm,parallel
    pythia-1.4b                       24   2048  8192    16       16      128  50304    2048 no   gelu   layer-norm,biases,parallel-norms
    pythia-2.8b                       32   2560 10240    32       32       80  50304    2048 no   gelu   layer-norm,biases,parallel-norms
    gpt-2-124m                        12    768  3072    12       12       64  50257    1024 yes  gelu   layer-norm,positions,biases
    bitnet-b1.58-2b-4t                30   2560  6912    20        5      128 128256    4096 yes  relu2-glu sub-norms
    bge-small-en-v1.5                 12    384  1536    12       12       32  30522     512 yes  gelu   layer-norm,positions,biases,encoder
    deepseek-v2-lite                  27   2048 10944    16       16      192 102400  163840 no   swiglu latent,experts
    megatron-22b                      48   6144 24576    64       64       96  51200    2048 yes  gelu   layer-norm,positions,biases
    gpt-3-175b                        96  12288 49152    96       96      128  51200    2048 yes  gelu   layer-norm,positions,biases
    mt-nlg-530b                      105  20480 81920   128      128      160  51200    2048 yes  gelu   layer-norm,positions,biases
    megatron-1t                      128  25600 102400  160      160      160  51200    2048 yes  gelu   layer-norm,positions,biases
    """
}
