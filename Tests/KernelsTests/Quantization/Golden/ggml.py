#!/usr/bin/env python3
"""Writes ggml.json beside it: what ggml and the gguf package make of the same weights.

Usage, with gguf 0.19.0, llama-cpp-python 0.3.36 and numpy from PyPI in a virtual environment:
  python Tests/KernelsTests/Quantization/Golden/ggml.py

For every format: the blocks that ggml_quantize_chunk makes of `weights`, the fp32 values that
gguf.dequantize makes of those blocks, and the root mean square error on each kind of weights.
For q8_0, q4_0, q4_1, q5_0 and q5_1 the blocks are gguf.quantize's, where ggml may contract a
product and a sum into one rounding. Bytes are in base64, numbers little-endian.
"""
import base64
import ctypes
import glob
import json
import os

import gguf
import llama_cpp
import numpy as np

LIB = os.path.join(os.path.dirname(llama_cpp.__file__), "lib")
for name in ("libggml-base.so", "libggml-cpu.so", "libggml.so"):
    library = ctypes.CDLL(os.path.join(LIB, name), mode=ctypes.RTLD_GLOBAL)
    if name == "libggml-base.so":
        base = library
base.ggml_quantize_chunk.restype = ctypes.c_size_t
base.ggml_quantize_chunk.argtypes = [
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
    ctypes.c_int64, ctypes.c_void_p]
base.ggml_row_size.restype = ctypes.c_size_t
base.ggml_row_size.argtypes = [ctypes.c_int, ctypes.c_int64]

FORMATS = {
    "q4_0": "Q4_0", "q4_1": "Q4_1", "q5_0": "Q5_0", "q5_1": "Q5_1", "q8_0": "Q8_0",
    "q2_k": "Q2_K", "q3_k": "Q3_K", "q4_k": "Q4_K", "q5_k": "Q5_K", "q6_k": "Q6_K",
    "iq4_nl": "IQ4_NL"}
PLAIN = ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1")


def ggml_quantize(kind, weights):
    rows, columns = weights.shape
    blocks = np.zeros((rows, base.ggml_row_size(kind, columns)), np.uint8)
    base.ggml_quantize_chunk(
        kind, weights.ctypes.data, blocks.ctypes.data, 0, rows, columns, None)
    return blocks


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


rng = np.random.default_rng(20240229)
count = 4 * 256
gaussian = rng.standard_normal(count) * 0.02
heavy = rng.standard_t(4, count) * 0.02
# Columns of different scales, and one weight in three hundred ten times as large.
real = rng.standard_normal(count) * 0.02 * np.exp(0.3 * rng.standard_normal(count))
real[rng.random(count) < 1 / 300] *= 10
edges = np.zeros(256)
edges[32:64] = 1e-36 * np.arange(32)
edges[64:96] = 3e4 * np.sign(rng.standard_normal(32))
edges[96] = 1.0
edges[128:160] = 1e-6 * rng.standard_normal(32)
edges[160:192] = -0.25
edges[192:224] = np.linspace(0.1, 3.1, 32)
kinds = {"gaussian": gaussian, "heavy": heavy, "real": real}
kinds = {name: values.astype(np.float32).reshape(1, -1) for name, values in kinds.items()}
weights = np.concatenate(
    [values[0, :256] for values in kinds.values()] + [edges.astype(np.float32)]).reshape(1, -1)

golden = {"weights": text(weights), "kinds": {n: text(v) for n, v in kinds.items()}, "formats": {}}
for name, long in FORMATS.items():
    kind = getattr(gguf.GGMLQuantizationType, long)
    blocks = gguf.quantize(weights, kind) if name in PLAIN else ggml_quantize(kind, weights)
    errors = {}
    for label, values in kinds.items():
        back = gguf.dequantize(ggml_quantize(kind, values), kind)
        errors[label] = float(np.sqrt(np.mean((back.astype(np.float64) - values) ** 2)))
    golden["formats"][name] = {
        "blocks": text(blocks), "weights": text(gguf.dequantize(blocks, kind).astype("<f4")),
        "errors": errors}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ggml.json"), "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
