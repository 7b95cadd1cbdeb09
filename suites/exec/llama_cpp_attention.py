#!/usr/bin/env python3
"""llama.cpp's flash attention as a variant: exec:python3 suites/exec/llama_cpp_attention.py

Needs numpy and llama-cpp-python from PyPI, whose libraries hold ggml. Queries are fp32, keys and values
of the precision, or the cache's type, that the case has.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ggml import Ggml, TYPES  # noqa: E402
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402


def prepare(order, problem):
    is_prompt = order["workload"] == "attention-prefill"
    if not is_prompt and order["workload"] != "attention-decode":
        raise Unsupported("it knows attention only")
    if problem["mask"] not in ("causal", "full") or problem.get("rope", "none") != "none":
        raise Unsupported("it knows causal and full masks, and turns nothing")
    names = [problem["precision"]] * 2 if is_prompt else [
        problem["cacheTypeK"], problem["cacheTypeV"]]
    if not is_prompt and (problem["kvCache"] == "off" or problem["lengths"] != "same"):
        raise Unsupported("it knows caches, and contexts of one length")
    import numpy as np
    g = Ggml()
    g.backend_cpu_set_n_threads(g.backend, order["threads"])
    batch, heads, kv_heads = problem["batch"], problem["heads"], problem["kvHeads"]
    depth = problem["headDim"]
    new = problem["tokens"] if is_prompt else problem["newTokens"]
    past = 0 if is_prompt else problem["context"]
    total = past + new
    random = np.random.default_rng(order["seed"] % 2**32)

    def stored(name, rows):
        """Rows of a head, in ggml's form; a few over and over."""
        few = random.random((min(rows, 64), depth), dtype=np.float32) * 2 - 1
        if name == "fp32":
            blob = few.view(np.uint8)
        elif name == "fp16":
            blob = few.astype(np.float16).view(np.uint8)
        elif name == "bf16":
            blob = (few.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        else:
            blob = np.zeros((len(few), g.row_size(TYPES[name], depth)), np.uint8)
            g.quantize_chunk(TYPES[name], few.ctypes.data, blob.ctypes.data, 0, len(few), depth, None)
        blob = blob.reshape(len(few), -1)
        return np.tile(blob, (-(-rows // len(few)), 1))[:rows]

    size = sum(g.row_size(TYPES[name], depth) for name in names) * batch * kv_heads * total
    copies = copies_of(order, size)
    context = g.context(4 * copies + 8)
    q = g.new_tensor_4d(context, TYPES["fp32"], depth, new, heads, batch)
    # ggml wants whole blocks of 64 rows of a mask.
    padded = -(-new // 64) * 64
    mask = g.new_tensor_4d(context, TYPES["fp16"], total, padded, 1, 1)
    caches = [
        [g.new_tensor_4d(context, TYPES[name], depth, total, kv_heads, batch) for name in names]
        for _ in range(copies)]
    results = [
        g.flash_attn_ext(context, q, k, v, mask, depth ** -0.5, 0.0, 0.0) for k, v in caches]
    g.backend_alloc_ctx_tensors(context, g.backend)

    def put(tensor, numbers):
        numbers = np.ascontiguousarray(numbers)
        if numbers.nbytes != g.nbytes(tensor):
            raise RuntimeError(f"{numbers.nbytes} bytes for a tensor of {g.nbytes(tensor)}")
        g.backend_tensor_set(tensor, numbers.ctypes.data, 0, numbers.nbytes)

    put(q, random.random((batch, heads, new, depth), dtype=np.float32) * 2 - 1)
    seen = np.zeros((padded, total), np.float16)
    if problem["mask"] == "causal":
        seen[np.arange(total)[None, :] > past + np.arange(padded)[:, None]] = -np.inf
    put(mask, seen)
    for cache in caches:
        for name, tensor in zip(names, cache):
            put(tensor, stored(name, batch * kv_heads * total))
    graphs = []
    for one in results:
        graph = g.new_graph(g.context(8))
        g.build_forward_expand(graph, one)
        graphs.append(graph)

    def call(index):
        g.backend_graph_compute(g.backend, graphs[index])

    version = (g.version() or b"").decode()
    return Prepared(call, copies, f"ggml {version} flash attention")


serve(prepare)
