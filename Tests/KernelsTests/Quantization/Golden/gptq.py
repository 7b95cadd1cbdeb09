#!/usr/bin/env python3
"""Writes gptq.json beside it: GPTQ (Frantar et al., 2022) in NumPy, in fp64, column by column.

Usage, with numpy from PyPI in a virtual environment:
  python Tests/KernelsTests/Quantization/Golden/gptq.py
"""
import json
import os

import numpy as np

rng = np.random.default_rng(7)
ROWS, COLUMNS, SAMPLES, GROUP = 6, 64, 96, 32
# Inputs that share a few directions, as a layer's do.
mixing = rng.standard_normal((12, COLUMNS)) + 0.2 * rng.standard_normal((12, COLUMNS))
inputs = rng.standard_normal((SAMPLES, 12)) @ mixing + 0.1 * rng.standard_normal((SAMPLES, COLUMNS))
inputs = inputs.astype(np.float32)
weights = (0.02 * rng.standard_normal((ROWS, COLUMNS))).astype(np.float32)


def grid(stretch, bits, zero_point):
    top = 2 ** bits - 1
    if zero_point:
        least, greatest = min(0, stretch.min()), max(0, stretch.max())
        scale = np.float32(np.float16(np.float32(greatest - least) / np.float32(top)))
        zero = np.rint(np.float32(-least) * (np.float32(1) / scale)) if scale else 0
        return scale, int(min(top, zero))
    scale = np.float32(np.float16(np.float32(np.abs(stretch).max()) * 2 / np.float32(top)))
    return scale, 2 ** (bits - 1)


def gptq(bits, zero_point, by_activation):
    hessian = 2 * inputs.astype(np.float64).T @ inputs.astype(np.float64)
    order = np.argsort(-np.diag(hessian), kind="stable") if by_activation else np.arange(COLUMNS)
    damped = hessian + 0.01 * np.diag(hessian).mean() * np.eye(COLUMNS)
    factor = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    moved = weights.astype(np.float64)
    codes = np.zeros((ROWS, COLUMNS), int)
    grids = {}
    for step, column in enumerate(order):
        group = column // GROUP
        stretch = slice(group * GROUP, (group + 1) * GROUP)
        for row in range(ROWS):
            if by_activation:
                grids.setdefault((row, group), grid(weights[row, stretch], bits, zero_point))
            elif column % GROUP == 0:
                grids[row, group] = grid(
                    moved[row, stretch].astype(np.float32), bits, zero_point)
            scale, zero = grids[row, group]
            steps = np.rint(np.float32(moved[row, column]) * (np.float32(1) / scale))
            code = int(np.clip(steps + zero, 0, 2 ** bits - 1))
            codes[row, column] = code
            error = (moved[row, column] - (code - zero) * float(scale)) / factor[step, step]
            moved[row, order[step + 1:]] -= error * factor[step, step + 1:]
    return codes.ravel().tolist()




def numbers(array):
    """Nine digits tell a float from every other."""
    return [float(f"{value:.9g}") for value in array.ravel()]


golden = {"rows": ROWS, "columns": COLUMNS, "weights": numbers(weights),
          "inputs": numbers(inputs), "codes": {}}
for bits in (3, 4, 8):
    for zero_point in (False, True):
        for by_activation in (False, True):
            name = f"int{bits} {'stored' if zero_point else 'none'} " + (
                "activation" if by_activation else "natural")
            golden["codes"][name] = gptq(bits, zero_point, by_activation)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gptq.json"), "w") as file:
    json.dump(golden, file)
    file.write("\n")
