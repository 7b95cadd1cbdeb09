#!/usr/bin/env python3
"""Attention as PyTorch computes it in fp64, for AttentionGoldenTests.swift.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/WorkloadsTests/Golden/attention.py > Tests/WorkloadsTests/Golden/attention.json
    python3 Tests/WorkloadsTests/Golden/attention.py --check Tests/WorkloadsTests/Golden/attention.json

`scaled_dot_product_attention` of inputs that a hash draws; masks and rotary embeddings are those of
transformers, the mask by blocks apart, which is written out here. `outputs` are in the order of the
kernels' own, `rows` the tokens whose are given of a prompt; `score` is the largest sum of the magnitudes
of any score's terms, `projection` that of any projected key's or value's.
"""

import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

import golden
import torch
from golden import numbers, tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import CohereConfig, LlamaConfig
from transformers.masking_utils import (
    bidirectional_mask_function, causal_mask_function, sliding_window_causal_mask_function)
from transformers.models.cohere import modeling_cohere
from transformers.models.llama import modeling_llama

# By blocks of 64: a query sees its own up to itself, the one before, and every eighth.
BLOCK, STRIDE = 64, 8


def sees_block(_, __, query, key):
    own, other = query // BLOCK, key // BLOCK
    return (key <= query) & ((other >= own - 1) | (other % STRIDE == 0))


def seen(mask, queries, keys):
    """Whether queries at some positions see keys at others: queries × keys."""
    if mask.startswith("window("):
        function = sliding_window_causal_mask_function(int(mask[len("window("):-1]))
    else:
        function = {"causal": causal_mask_function, "full": bidirectional_mask_function,
                    "blocks": sees_block}[mask]
    pairs = function(torch.tensor(0), torch.tensor(0), queries[:, None], keys[None, :])
    return pairs.expand(len(queries), len(keys))


def rotated(case, heads, positions):
    """Tokens × heads × depth, rotated by their positions."""
    if case["layout"] == "none":
        return heads
    module, config, kind = {
        "neox": (modeling_llama, LlamaConfig, "LlamaRotaryEmbedding"),
        # Pairs are neighbours.
        "llama": (modeling_cohere, CohereConfig, "CohereRotaryEmbedding"),
    }[case["layout"]]
    depth = case["headDim"]
    embedding = getattr(module, kind)(config(
        hidden_size=depth, num_attention_heads=1,
        **golden.rope_options(case["scaling"], case["base"])))
    assert embedding.inv_freq.dtype == torch.float64
    cosines, sines = embedding(heads, positions[None])
    result, _ = module.apply_rotary_pos_emb(
        heads[None], heads[None], cosines, sines, unsqueeze_dim=2)
    assert result.dtype == torch.float64
    return result[0]


def attend(case, q, k, v, positions):
    """Tokens × heads × depth of one sequence; and the largest sum of magnitudes of a score's terms."""
    keys = torch.arange(len(k))
    mask = seen(case["mask"], positions, keys)
    q, k, v = (heads.transpose(0, 1)[None] for heads in (q, k, v))
    group = case["heads"] // case["kvHeads"]
    magnitudes = q.abs() @ k.abs().repeat_interleave(group, dim=1).transpose(2, 3)
    score = magnitudes[:, :, mask].max() / case["headDim"] ** 0.5
    if case["mask"] == "causal" and len(positions) == len(keys):
        result = scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    else:
        result = scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
    assert result.dtype == torch.float64
    return result[0].transpose(0, 1), score


def finished(case, each, **more):
    outputs = torch.stack([output for output, _ in each])
    return case | {"score": numbers(max(score for _, score in each))[0]} | more | {
        "outputs": numbers(outputs)}


def prefill(case):
    batch, tokens, depth, seed = (case[key] for key in ("batch", "tokens", "headDim", "seed"))
    q = tensor(seed, 1 / 2, batch, tokens, case["heads"], depth)
    k = tensor(seed + 1, 1 / 8, batch, tokens, case["kvHeads"], depth)
    v = tensor(seed + 2, 1 / 8, batch, tokens, case["kvHeads"], depth)
    positions = torch.arange(tokens)
    each = []
    for index in range(batch):
        output, score = attend(
            case, rotated(case, q[index], positions), rotated(case, k[index], positions), v[index],
            positions)
        each.append((output[case["rows"]], score))
    return finished(case, each)


def contexts(case):
    """All the same, or of n sequences n-ths of it, the longest first."""
    batch, context = case["batch"], case["context"]
    return [max(1, context * (batch - index) // batch) if case["lengths"] == "mixed" else context
            for index in range(batch)]


def cached(case):
    """What a cache has of keys was rotated before it was stored."""
    batch, new, depth, seed = (case[key] for key in ("batch", "newTokens", "headDim", "seed"))
    q = tensor(seed, 1 / 2, batch, new, case["heads"], depth)
    new_k = tensor(seed + 1, 1 / 8, batch, new, case["kvHeads"], depth)
    new_v = tensor(seed + 2, 1 / 8, batch, new, case["kvHeads"], depth)
    each = []
    for index, context in enumerate(contexts(case)):
        positions = torch.arange(context, context + new)
        k = tensor(seed + 3 + 2 * index, 1 / 8, context, case["kvHeads"], depth)
        v = tensor(seed + 4 + 2 * index, 1 / 8, context, case["kvHeads"], depth)
        each.append(attend(
            case, rotated(case, q[index], positions),
            torch.cat((k, rotated(case, new_k[index], positions))), torch.cat((v, new_v[index])),
            positions))
    return finished(case, each)


def recomputed(case):
    new, depth, seed = (case[key] for key in ("newTokens", "headDim", "seed"))
    lengths = [context + new for context in contexts(case)]
    width = case["heads"] * depth
    q = tensor(seed, 1 / 2, sum(lengths), case["heads"], depth)
    hidden = tensor(seed + 1, 1 / 8, sum(lengths), width)
    of_keys = tensor(seed + 2, 1 / 32, case["kvHeads"] * depth, width)
    of_values = tensor(seed + 3, 1 / 32, case["kvHeads"] * depth, width)
    projection = (hidden.abs() @ torch.cat((of_keys, of_values)).abs().T).max()
    each, start = [], 0
    for length in lengths:
        positions = torch.arange(length)
        mine = slice(start, start + length)
        k, v = ((hidden[mine] @ weights.T).reshape(length, case["kvHeads"], depth)
                for weights in (of_keys, of_values))
        output, score = attend(
            case, rotated(case, q[mine], positions), rotated(case, k, positions), v, positions)
        each.append((output[-new:], score))
        start += length
    return finished(case, each, projection=numbers(projection)[0])


def shape(mask, batch, heads, kv_heads, head_dim, seed, layout="none", base=10000, scaling="none"):
    return {"mask": mask, "batch": batch, "heads": heads, "kvHeads": kv_heads,
            "headDim": head_dim, "seed": seed, "layout": layout, "base": base, "scaling": scaling}


def prompt(tokens, rows, *of_shape, **more):
    return shape(*of_shape, **more) | {"tokens": tokens, "rows": rows}


def step(context, new, lengths, *of_shape, **more):
    return shape(*of_shape, **more) | {"context": context, "newTokens": new, "lengths": lengths}


PREFILL = [
    prompt(37, [0, 9, 36], "causal", 2, 6, 2, 17, 100),
    prompt(5, [0, 1, 2, 3, 4], "causal", 1, 2, 2, 11, 110),
    prompt(70, [0, 33, 69], "full", 1, 3, 1, 20, 120),
    prompt(41, [0, 3, 4, 5, 20, 40], "window(5)", 1, 4, 4, 9, 130),
    prompt(301, [100, 200, 300], "window(130)", 1, 5, 1, 13, 140),
    prompt(650, [63, 64, 127, 129, 200, 575, 576, 640, 649], "blocks", 1, 2, 1, 8, 150),
    prompt(33, [0, 1, 32], "causal", 1, 4, 2, 18, 160, layout="neox"),
    prompt(90, [1, 50, 89], "causal", 1, 3, 3, 22, 170, layout="llama", base=500000,
           scaling="yarn(4)"),
    prompt(19, [1, 18], "full", 2, 2, 1, 16, 180, layout="llama", scaling="linear(4)"),
]
CACHED = [
    step(37, 2, "mixed", "causal", 2, 6, 2, 18, 200),
    step(70, 3, "same", "full", 1, 3, 3, 32, 220),
    step(150, 1, "same", "window(9)", 2, 5, 1, 10, 240),
    step(640, 2, "same", "blocks", 1, 4, 2, 8, 260),
    step(1, 1, "same", "causal", 1, 9, 1, 7, 280),
    step(20, 3, "mixed", "causal", 2, 4, 2, 16, 300, layout="neox", base=500000),
    step(33, 2, "same", "window(30)", 1, 2, 1, 12, 320, layout="llama", scaling="linear(4)"),
]
RECOMPUTED = [
    step(21, 2, "mixed", "causal", 2, 4, 2, 10, 400, layout="neox"),
    step(40, 1, "same", "window(7)", 1, 3, 1, 12, 410),
    step(13, 3, "same", "full", 2, 2, 2, 8, 420, layout="llama", scaling="yarn(4)"),
    step(150, 2, "same", "blocks", 1, 2, 1, 6, 430),
]

golden.write_or_check(
    {"prefill": [prefill(case) for case in PREFILL], "cached": [cached(case) for case in CACHED],
     "recomputed": [recomputed(case) for case in RECOMPUTED]},
    ("torch", "transformers", "numpy"))
