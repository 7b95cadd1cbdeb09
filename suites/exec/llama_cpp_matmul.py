#!/usr/bin/env python3
"""llama.cpp's matrix product as a variant: exec:python3 suites/exec/llama_cpp_matmul.py

Needs numpy and llama-cpp-python from PyPI, whose libraries hold ggml. Weights lie in ggml's
repacked buffers where it has such a form for the format, as llama.cpp itself would have them;
the argument `plain` leaves them as they are stored.
"""
import ctypes as C
import glob
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402

# ggml.h's enum ggml_type.
TYPES = {
    "fp32": 0, "fp16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_k": 10,
    "q3_k": 11, "q4_k": 12, "q5_k": 13, "q6_k": 14, "iq4_nl": 20, "bf16": 30}
# Those that ggml repacks on x86; for others its buffers refuse or abort.
REPACKED = {"q4_0", "q4_k", "iq4_nl"}


class InitParams(C.Structure):
    _fields_ = [("mem_size", C.c_size_t), ("mem_buffer", C.c_void_p), ("no_alloc", C.c_bool)]


class Ggml:
    def __init__(self):
        # Found without importing it: the module itself starts more than is needed here.
        import importlib.util
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None:
            raise Unsupported("llama-cpp-python is not installed for " + sys.executable)
        folder = os.path.join(os.path.dirname(spec.origin), "lib")
        self.libraries = [
            C.CDLL(path, mode=C.RTLD_GLOBAL)
            for name in ("libggml-base", "libggml-cpu", "libggml")
            for path in glob.glob(os.path.join(folder, name + ".so"))]
        p, i64, size = C.c_void_p, C.c_int64, C.c_size_t
        for name, (result, *arguments) in {
                "ggml_init": (p, InitParams), "ggml_new_graph": (p, p),
                "ggml_new_tensor_2d": (p, p, C.c_int, i64, i64), "ggml_mul_mat": (p, p, p, p),
                "ggml_build_forward_expand": (None, p, p), "ggml_nbytes": (size, p),
                "ggml_row_size": (size, C.c_int, i64), "ggml_tensor_overhead": (size,),
                "ggml_graph_overhead": (size,), "ggml_version": (C.c_char_p,),
                "ggml_quantize_chunk": (size, C.c_int, p, p, i64, i64, i64, p),
                "ggml_backend_cpu_init": (p,), "ggml_backend_cpu_set_n_threads": (None, p, C.c_int),
                "ggml_backend_cpu_reg": (p,), "ggml_backend_get_device": (p, p),
                "ggml_backend_reg_get_proc_address": (p, p, C.c_char_p),
                "ggml_backend_buft_name": (C.c_char_p, p),
                "ggml_backend_alloc_ctx_tensors": (p, p, p),
                "ggml_backend_alloc_ctx_tensors_from_buft": (p, p, p),
                "ggml_backend_tensor_set": (None, p, p, size, size),
                "ggml_backend_tensor_get": (None, p, p, size, size),
                "ggml_backend_graph_compute": (C.c_int, p, p)}.items():
            holders = [one for one in self.libraries if hasattr(one, name)]
            if not holders:
                raise Unsupported(f"this ggml has no function {name}")
            function = getattr(holders[0], name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name[5:], function)
        self.backend = self.backend_cpu_init()

    def context(self, tensors):
        return self.init(InitParams(
            tensors * (self.tensor_overhead() + self.graph_overhead()), None, True))

    def repacking_buffer(self):
        address = self.backend_reg_get_proc_address(
            self.backend_cpu_reg(), b"ggml_backend_dev_get_extra_bufts")
        if not address:
            return None
        types = C.CFUNCTYPE(C.POINTER(C.c_void_p), C.c_void_p)(address)(
            self.backend_get_device(self.backend))
        index = 0
        while types and types[index]:
            if b"REPACK" in self.backend_buft_name(types[index]):
                return types[index]
            index += 1
        return None


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
