#!/usr/bin/env python3
"""Words as AutoAWQ's GEMM form packs them, for AWQTests.swift: python3 awq.py

Codes (7 * output + 3 * k + output * k) % 16 and zero points (5 * output + 9 * group) % 16 of 16
outputs, 64 k, groups of 32; order_map is that of WQLinear_GEMM.from_linear.
"""
import numpy as np

N, K, GROUP = 16, 64, 32
ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(values):
    """[..., outputs] to words of eight outputs."""
    words = np.zeros(values.shape[:-1] + (values.shape[-1] // 8,), dtype=np.uint32)
    for column in range(words.shape[-1]):
        for place, output in enumerate(ORDER):
            code = values[..., column * 8 + output].astype(np.uint32)
            words[..., column] |= code << np.uint32(4 * place)
    return words


o, k = np.arange(N), np.arange(K)[:, None]
g = np.arange(K // GROUP)[:, None]
weights, zeros = pack((7 * o + 3 * k + o * k) % 16), pack((5 * o + 9 * g) % 16)
print("qweight rows 0, 1, 63:", [[hex(w) for w in weights[row]] for row in (0, 1, 63)])
print("qzeros:", [[hex(w) for w in row] for row in zeros])
