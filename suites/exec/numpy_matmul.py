#!/usr/bin/env python3
"""NumPy's matmul in fp32 as a variant: exec:python3 suites/exec/numpy_matmul.py"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402


def prepare(order, problem):
    if order["workload"] != "matmul" or problem["precision"] != "fp32":
        raise Unsupported("NumPy multiplies fp32 only")
    os.environ["OPENBLAS_NUM_THREADS"] = str(order["threads"])
    import numpy as np
    m, n, k = problem["m"], problem["n"], problem["k"]
    rng = np.random.default_rng(order["seed"] % 2**32)
    copies = copies_of(order, 4 * (m * k + n * k + m * n))
    a = rng.standard_normal((m, k), dtype=np.float32)
    b = [rng.standard_normal((n, k), dtype=np.float32) for _ in range(copies)]
    c = np.empty((m, n), np.float32)
    return Prepared(
        lambda i: np.matmul(a, b[i].T, out=c), copies, f"NumPy {np.__version__}")


serve(prepare)
