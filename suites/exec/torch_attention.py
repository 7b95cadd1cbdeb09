#!/usr/bin/env python3
"""PyTorch's scaled_dot_product_attention as a variant: exec:python3 suites/exec/torch_attention.py

Takes the layout that is fastest for it (batch × heads × tokens × head-dim), with keys and values
expanded to all heads ahead, outside the timed call; `--gqa` leaves that to PyTorch, within it.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402

IS_GROUPED = "--gqa" in sys.argv


def prepare(order, problem):
    if order["workload"] != "attention-prefill" or problem["mask"] not in ("causal", "full"):
        raise Unsupported("it knows prompts with causal and full masks only")
    os.environ["OMP_NUM_THREADS"] = str(order["threads"])
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attention

    torch.set_num_threads(order["threads"])
    torch.set_grad_enabled(False)
    kind = dict(fp32=torch.float32, fp16=torch.float16, bf16=torch.bfloat16)[problem["precision"]]
    heads, kv_heads = problem["heads"], problem["kvHeads"]
    rows, depth = problem["tokens"], problem["headDim"]
    generator = torch.Generator().manual_seed(order["seed"] % 2**32)

    def filled(count):
        shape = (problem["batch"], count, rows, depth)
        return (torch.rand(shape, generator=generator) * 2 - 1).to(kind)

    size = kind.itemsize * problem["batch"] * rows * depth * (heads + 2 * kv_heads)
    copies = copies_of(order, size)
    operands = []
    for _ in range(copies):
        q, k, v = filled(heads), filled(kv_heads), filled(kv_heads)
        if not IS_GROUPED:
            k, v = (x.repeat_interleave(heads // kv_heads, dim=1) for x in (k, v))
        operands.append((q, k, v))
    is_causal = problem["mask"] == "causal"

    def call(index):
        q, k, v = operands[index]
        return attention(q, k, v, is_causal=is_causal, enable_gqa=IS_GROUPED)

    name = "grouped" if IS_GROUPED else "expanded"
    return Prepared(call, copies, f"PyTorch {torch.__version__} SDPA, {name}")


serve(prepare)
