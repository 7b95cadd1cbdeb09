#!/usr/bin/env python3
"""Angles of rotary embeddings as transformers has them, for RotaryEmbeddingTests.swift.

    pip install transformers==5.23.0 torch && python3 rope-golden.py
"""

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS


def golden(name, kind, base, positions, length=None, **parameters):
    config = LlamaConfig(
        hidden_size=128, num_attention_heads=1, max_position_embeddings=positions,
        rope_parameters=dict(rope_type=kind, rope_theta=float(base), **parameters))
    angles, factor = ROPE_INIT_FUNCTIONS[kind](config, "cpu", length)
    picked = ", ".join(f"{angles[pair].item():.8g}" for pair in (0, 30, 40, 63))
    print(f"    Golden(\n      scaling: {name}, base: {base}, angles: [{picked}],\n      attentionFactor: {factor:.8g}),")


golden(".linear(4)", "linear", 10000, 4096, factor=4.0)
# Its base grows with the length: at four times the positions and factor 1, by 4.
golden(".ntk(4)", "dynamic", 10000, 4096, 4 * 4096, factor=1.0)
golden(".yarn(4)", "yarn", 10000, 4096, factor=4.0, original_max_position_embeddings=4096)
golden(".yarn(16)", "yarn", 500000, 4096, factor=16.0, original_max_position_embeddings=4096)
golden(
    ".llama3(8)", "llama3", 500000, 131072, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=8192)
