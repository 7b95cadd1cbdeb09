#!/usr/bin/env python3
"""llama.cpp's matrix product as a variant: exec:python3 suites/exec/llama_cpp_matmul.py

Needs numpy and llama-cpp-python from PyPI, whose libraries hold ggml. Weights lie in ggml's
repacked buffers where it has such a form for the format, as llama.cpp itself would have them;
the argument `plain` leaves them as they are stored.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ggml import Ggml, TYPES  # noqa: E402
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402

# Those that ggml repacks on x86; for others its buffers refuse or abort.
REPACKED = {"q4_0", "q4_k", "iq4_nl"}


def prepare(order, problem):
    name = problem.get("format") or problem.get("precision")
    if order["workload"] not in ("matmul", "quantized-matmul") or name not in TYPES:
        raise Unsupported(f"ggml has no product for {order['workload']} in {name}")
    import numpy as np
    g = Ggml()
    g.backend_cpu_set_n_threads(g.backend, order["threads"])
    m, n, k, kind = problem["m"], problem["n"], problem["k"], TYPES[name]
    rng = np.random.default_rng(order["seed"] % 2**32)
    # A few rows over and over: making all of them would take longer than measuring.
    rows = rng.standard_normal((min(n, 64), k), dtype=np.float32) * np.float32(0.02)
    blob = np.zeros(rows.shape[0] * g.row_size(kind, k), np.uint8)
    if name == "fp32":
        blob = rows.view(np.uint8).ravel()
    elif name == "fp16":
        blob = rows.astype(np.float16).view(np.uint8).ravel()
    elif name == "bf16":
        blob = (rows.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8).ravel()
    else:
        g.quantize_chunk(kind, rows.ctypes.data, blob.ctypes.data, 0, rows.shape[0], k, None)
    whole = np.tile(blob, -(-n // rows.shape[0]))[:n * g.row_size(kind, k)]
    copies = copies_of(order, whole.nbytes + 4 * m * (n + k))
    plain = "plain" in sys.argv[1:] or name not in REPACKED
    buffer = None if plain else g.repacking_buffer()
    start = time.perf_counter()
    weights = g.context(copies + 1)
    b = [g.new_tensor_2d(weights, kind, k, n) for _ in range(copies)]
    if buffer:
        g.backend_alloc_ctx_tensors_from_buft(weights, buffer)
    else:
        g.backend_alloc_ctx_tensors(weights, g.backend)
    for one in b:
        g.backend_tensor_set(one, whole.ctypes.data, 0, whole.nbytes)
    seconds = (time.perf_counter() - start) / copies
    activations = g.context(2 * copies + 2)
    a = g.new_tensor_2d(activations, 0, k, m)
    c = [g.mul_mat(activations, one, a) for one in b]
    g.backend_alloc_ctx_tensors(activations, g.backend)
    x = rng.uniform(-1, 1, (m, k)).astype(np.float32)
    g.backend_tensor_set(a, x.ctypes.data, 0, x.nbytes)
    graphs = []
    for one in c:
        graph = g.new_graph(g.context(8))
        g.build_forward_expand(graph, one)
        graphs.append(graph)

    def call(i):
        g.backend_graph_compute(g.backend, graphs[i])

    check = compare(g, np, call, c[0], x, rows, m, n)
    form = "plain" if not buffer else "repacked"
    version = (g.version() or b"").decode()
    return Prepared(call, copies, f"ggml {version}, {form}", whole.nbytes, seconds, check)


def compare(g, np, call, c, x, rows, m, n):
    """Held against the unrounded weights: a coarse check, for the format itself errs."""
    call(0)
    y = np.empty((m, n), np.float32)
    g.backend_tensor_get(c, y.ctypes.data, 0, y.nbytes)
    columns = range(0, n, max(1, n // 64))
    exact = np.stack([x.astype(np.float64) @ rows[j % rows.shape[0]] for j in columns], axis=1)
    error = float(np.linalg.norm(y[:, list(columns)] - exact) / np.linalg.norm(exact))
    return {"passed": bool(error < 0.5), "relative": error, "tolerance": 0.5,
            "basis": "a coarse check: the format's own error is in it",
            "sampling": f"{m} of {m} rows × {len(columns)} of {n} columns", "worst": "not told"}


serve(prepare)
