#!/usr/bin/env python3
"""AdamW with states of 8 bits, as bitsandbytes computes it on a CPU.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/TrainingTests/Golden/adamw8.py > Tests/TrainingTests/Golden/adamw8.json
    python3 Tests/TrainingTests/Golden/adamw8.py --check Tests/TrainingTests/Golden/adamw8.json

All numbers are fp32, drawn by `hash32` of Sources/Kernels/Hash.swift: u(s, e) = (hash32(s, e) >> 8) · 2⁻²³ − 1 is
exact. Tensor i = 0 has 64 × 80 weights, u(10 · i, e) / 8; its gradient at step t = 1 … 5 is u(10 · i + t, e), times
2⁻ᵇ in block b of 256 weights, and 0 in all of block 3. Tensor i = 1 has 300 weights, fewer than the 4096 from which
states have 8 bits, and so keeps its states in fp32. bnb.optim.AdamW8bit has the options in `options`.

A step on a tensor with states of 8 bits, in fp32, where a scalar such as rate / (1 − β₁ᵗ) is made in fp64 and rounded:

  1. m and v are taken from their codes: m = signed[code] · absmax of the block, v with the unsigned map.
  2. m ← β₁ · m + (1 − β₁) · g; v ← β₂ · v + (1 − β₂) · g · g.
  3. d = √v / √(1 − β₂ᵗ) + ε, of the moments as they are now, before they are rounded to codes.
  4. w ← w · (1 − rate · decay), and then w ← w − (rate / (1 − β₁ᵗ)) · m / d.
  5. m and v become codes again, block by block, each with a new absmax.

States of fp32 take another form of 3 and 4: w ← w − rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε · √(1 − β₂ᵗ)), after
the decay. Both begin with codes of 0 and an absmax of 0, which are moments of 0.

A number becomes a code not as the nearest entry of the map, but through a table of 2¹⁶ places between −1 and 1:

  place k is x = fp32(2k) / 65535 − 1, and its code is how many of the 255 middles fp32(map[i] + map[i + 1]) / 2 are
  less than x;
  a number a is at place ⌊fma((clamp(a · (1 / absmax), −1, 1) + 1) / 2, 65535, ½)⌋, with 1 / absmax rounded.

So a 0 in a block that has others becomes map[131] = 2.1e-5 of the absmax in the signed map, and map[7] = 1.6e-5 in
the unsigned one; in a block of zeros all codes are 0, with an absmax of 0. The script holds its own numpy form of
this against the library. The library's default backend takes the nearest entry.

`codes` are those of 1024 numbers, u(100, e) · 2^−(e mod 24), but 0 in all of block 2, and at e = 0, 1, 2 of each other
block 1, 0 and −1: by the signed map, and their magnitudes by the unsigned one.
"""

import math
import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

# Before golden, which makes fp64 of torch's fp32: here fp32 is what it is about.
import bitsandbytes
# Knows where golden is.
import tiny
import golden
import numpy as np
import torch
from bitsandbytes.functional import create_dynamic_map
from golden import array, hash32

golden.plain_types()

OPTIONS = {"rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.01}
STEPS, BLOCK = 5, 256
SHAPES = ((64, 80), (300,))
STATES = {"m": "state1", "v": "state2", "mAbsmax": "absmax1", "vAbsmax": "absmax2"}
ONE, HALF = np.float32(1), np.float32(0.5)


def uniform(seed, *shape):
    """Exact in fp32: −1 up to 1."""
    bits = hash32(seed, np.arange(math.prod(shape))) >> 8
    return (bits.astype(np.float32) * np.float32(2.0 ** -23) - ONE).reshape(shape)


def gradient(tensor, step):
    result = uniform(10 * tensor + step, *SHAPES[tensor]).flatten()
    block = np.arange(len(result)) // BLOCK
    return np.where(block == 3, 0, np.ldexp(result, -block)).astype(np.float32).reshape(SHAPES[tensor])


def codes_of(values, entries):
    """By the table of places: codes, and the absmax of each block."""
    middles = (entries[:-1] + entries[1:]) * HALF
    places = (2 * np.arange(1 << 16)).astype(np.float32) / np.float32(65535) - ONE
    table = np.searchsorted(middles, places, side="left")
    blocks = np.split(values.flatten(), range(BLOCK, values.size, BLOCK))
    codes = np.zeros(0, np.uint8)
    for each in blocks:
        largest = np.abs(each).max()
        scaled = np.clip(each * (ONE / largest if largest > 0 else ONE), -ONE, ONE)
        # fp64 keeps the product, and so rounds once, as fma does.
        place = ((scaled + ONE) * HALF).astype(np.float64) * 65535 + 0.5
        found = table[place.astype(np.float32).astype(np.int64)] if largest > 0 else np.zeros(len(each))
        codes = np.append(codes, found.astype(np.uint8))
    return codes, np.array([np.abs(each).max() for each in blocks])


def library_codes(values, entries):
    codes, largest = torch.ops.bitsandbytes.quantize_blockwise(
        torch.from_numpy(values), torch.from_numpy(entries), BLOCK)
    own, own_largest = codes_of(values, entries)
    assert (codes.numpy() == own).all() and (largest.numpy() == own_largest).all()
    return array(codes)


def swept():
    values = np.ldexp(uniform(100, 1024), -(np.arange(1024) % 24)).astype(np.float32)
    for start in range(0, 1024, BLOCK):
        values[start:start + 3] = 1, 0, -1
    values[2 * BLOCK:3 * BLOCK] = 0
    return values


def trained(name, tensor):
    weights = torch.nn.Parameter(torch.from_numpy(uniform(10 * tensor, *SHAPES[tensor]) / np.float32(8)))
    optimizer = bitsandbytes.optim.AdamW8bit(
        [weights], lr=OPTIONS["rate"], betas=(OPTIONS["beta1"], OPTIONS["beta2"]), eps=OPTIONS["epsilon"],
        weight_decay=OPTIONS["decay"])
    steps = []
    for step in range(1, STEPS + 1):
        weights.grad = torch.from_numpy(gradient(tensor, step))
        optimizer.step()
        state = optimizer.state[weights]
        steps.append({"weights": array(weights)})
        if step in (1, STEPS):
            steps[-1] |= {name: array(state[own]) for name, own in STATES.items() if own in state}
    assert (state["state1"].dtype == torch.uint8) == (weights.numel() >= 4096)
    return {"name": name, "steps": steps}


SIGNED, UNSIGNED = (create_dynamic_map(signed=signed).numpy() for signed in (True, False))
CASES = {
    "options": OPTIONS, "signed": array(SIGNED), "unsigned": array(UNSIGNED),
    "codes": {"signed": library_codes(swept(), SIGNED), "unsigned": library_codes(np.abs(swept()), UNSIGNED)},
    "tensors": [trained("8 bits", 0), trained("fp32", 1)],
}

golden.write_or_check(CASES, ("bitsandbytes", "torch", "numpy"))
