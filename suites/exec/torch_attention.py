#!/usr/bin/env python3
"""PyTorch's scaled_dot_product_attention as a variant: exec:python3 suites/exec/torch_attention.py

Takes the layout that is fastest for it (batch × heads × tokens × head-dim). A prompt's keys and values
are expanded to all heads ahead, outside the timed call; `--gqa` leaves that to PyTorch, within it. A
step of decoding reads a cache as it is and leaves sharing to PyTorch; `--grouped` has the heads that
share one as rows of its query, as one would by hand.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402


def prepare(order, problem):
    if order["workload"] not in ("attention-prefill", "attention-decode"):
        raise Unsupported("it knows attention only")
    os.environ["OMP_NUM_THREADS"] = str(order["threads"])
    import torch

    torch.set_num_threads(order["threads"])
    torch.set_grad_enabled(False)
    if problem.get("rope", "none") != "none":
        raise Unsupported("it turns nothing")
    known = dict(fp32=torch.float32, fp16=torch.float16, bf16=torch.bfloat16)
    make = prompt if order["workload"] == "attention-prefill" else step
    call, copies, name = make(order, problem, torch, known)
    return Prepared(call, copies, f"PyTorch {torch.__version__} SDPA, {name}")


def filled(torch, order, kind, *shape):
    generator = torch.Generator().manual_seed(order["seed"] % 2**32)
    return (torch.rand(shape, generator=generator) * 2 - 1).to(kind)


def prompt(order, problem, torch, known):
    if problem["mask"] not in ("causal", "full"):
        raise Unsupported("it knows prompts with causal and full masks only")
    kind, is_grouped = known[problem["precision"]], "--gqa" in sys.argv
    heads, kv_heads = problem["heads"], problem["kvHeads"]
    rows, depth = problem["tokens"], problem["headDim"]
    copies = copies_of(
        order, kind.itemsize * problem["batch"] * rows * depth * (heads + 2 * kv_heads))
    operands = []
    for _ in range(copies):
        q, k, v = (
            filled(torch, order, kind, problem["batch"], count, rows, depth)
            for count in (heads, kv_heads, kv_heads))
        if not is_grouped:
            k, v = (x.repeat_interleave(heads // kv_heads, dim=1) for x in (k, v))
        operands.append((q, k, v))
    attention = torch.nn.functional.scaled_dot_product_attention
    is_causal = problem["mask"] == "causal"

    def call(index):
        q, k, v = operands[index]
        return attention(q, k, v, is_causal=is_causal, enable_gqa=is_grouped)

    return call, copies, "grouped" if is_grouped else "expanded"


def step(order, problem, torch, known):
    if problem["cacheTypeK"] != problem["cacheTypeV"] or problem["cacheTypeK"] not in known:
        raise Unsupported("it knows caches in fp32, fp16 and bf16")
    if problem["kvCache"] == "off" or problem["newTokens"] > 1 or problem["lengths"] != "same":
        raise Unsupported("it knows one new token to contexts of one length")
    if problem["mask"] not in ("causal", "full"):
        raise Unsupported("it knows causal and full masks only")
    kind, by_hand = known[problem["cacheTypeK"]], "--grouped" in sys.argv
    batch, heads, kv_heads = problem["batch"], problem["heads"], problem["kvHeads"]
    rows, depth = problem["context"] + 1, problem["headDim"]
    copies = copies_of(order, kind.itemsize * batch * rows * depth * 2 * kv_heads)
    operands = []
    for _ in range(copies):
        k, v = (filled(torch, order, kind, batch, kv_heads, rows, depth) for _ in range(2))
        operands.append((filled(torch, order, kind, batch, heads, 1, depth), k, v))
    attention = torch.nn.functional.scaled_dot_product_attention

    def call(index):
        q, k, v = operands[index]
        if by_hand:
            return attention(q.view(batch, kv_heads, heads // kv_heads, depth), k, v)
        return attention(q, k, v, enable_gqa=heads != kv_heads)

    return call, copies, "grouped by hand" if by_hand else "stock"


serve(prepare)
