#!/usr/bin/env python3
"""Logits of tiny models as transformers computes them in fp64, for DecoderGoldenTests.swift.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/WorkloadsTests/Golden/decoder.py > Tests/WorkloadsTests/Golden/decoder.json
    python3 Tests/WorkloadsTests/Golden/decoder.py --check Tests/WorkloadsTests/Golden/decoder.json

Models of several families, with weights that a hash draws: a prompt at once, and then tokens one by one
through the cache. What the transformer here leaves out of a family is left out there by its own
configuration, or is 0: windows, and biases.

`logits` are those of the last token of each sequence, after the prompt and after each token that follows;
`terms`, as many, the largest sum of the magnitudes of any logit's terms; `states`, where they are given,
the prompt's tokens after all layers, before the last norm.
"""

import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

import golden
import numpy as np
import torch
from golden import dyadic, hash32, numbers
from transformers import (
    ArceeConfig, ArceeForCausalLM, DynamicCache, LlamaConfig, LlamaForCausalLM, MistralConfig,
    MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM)

FAMILIES = {
    "llama": (LlamaForCausalLM, LlamaConfig, {"attention_bias": False, "mlp_bias": False}),
    "mistral": (MistralForCausalLM, MistralConfig, {"sliding_window": None}),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, {"use_sliding_window": False}),
    # Networks without a gate, and otherwise as Llama's.
    "arcee": (ArceeForCausalLM, ArceeConfig, {"attention_bias": False, "mlp_bias": False}),
}
PRODUCTS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


class Dyadic:
    """Weights that are exact in fp32, fp16 and bf16, and so large that rows keep their size.

    An embedding's are small: a first norm's epsilon then is a good part of the mean square.
    """

    def __init__(self, case):
        self.case = case

    def matrix(self, index, rows, columns):
        seed = int(hash32(self.case["seed"], index))
        scale = 2.0 ** (-10 if index == 0 else -5)
        return scale * dyadic(seed, rows * columns).reshape(rows, columns)

    def gain(self, index):
        seed = int(hash32(self.case["seed"], (1 << 16) + index))
        return 1 + dyadic(seed, self.case["hidden"]) / 32

    def token(self, place, sequence):
        case = self.case
        index = sequence * (case["prompt"] + case["tokens"]) + place
        return int(hash32(case["seed"] + 1, index)) % case["vocab"]


class MadeUp:
    """Weights, tokens and what the cache has to begin with as `headroom` makes them up.

    See MadeUpWeights.swift, WeightSource.swift and DecoderRun.swift.
    """

    def __init__(self, case):
        self.case = case
        self.low = case["seed"] & 0xFFFFFFFF

    def matrix(self, index, rows, columns):
        seed = (self.case["seed"] + 0x9E3779B97F4A7C15 * (index + 1)) % 2 ** 64
        mixed = int(hash32(seed >> 32, seed & 0xFFFFFFFF))
        result = np.empty((rows, columns))
        for row in range(rows):
            draw = np.float32(int(hash32(mixed, row % 61)) >> 8)
            scale = np.float32(0.01) + np.float32(0.02) * draw * np.float32(2.0 ** -24)
            bits = hash32(int(hash32((mixed + 1) % 2 ** 32, row % 61)), np.arange(2 * columns))
            halves = ((bits & 0xFFFF) + (bits >> 16)).reshape(columns, 2).sum(axis=1)
            centred = (halves.astype(np.int64) - 2 * 0xFFFF).astype(np.float32)
            result[row] = scale * centred * (np.float32(1.7320508) / np.float32(65536))
        return result

    def gain(self, index):
        gains = 1 + np.float32(0.25) * self.uniform(index, range(self.case["hidden"]))
        assert gains.dtype == np.float32
        return gains.astype(np.float64)

    def token(self, place, sequence):
        case = self.case
        index = sequence * (case["depth"] + case["prompt"] + case["tokens"]) + place
        return int(hash32((self.low + 77) % 2 ** 32, index)) % case["vocab"]

    def uniform(self, stream, indices):
        bits = hash32(int(hash32(self.low, stream)), np.asarray(indices)) >> 8
        return bits.astype(np.float32) * np.float32(2.0 ** -23) - np.float32(1)

    def before(self, layer, is_key):
        """Sequences × heads × tokens × depth."""
        case = self.case
        heads, depth = case["kvHeads"], case["headDim"]
        shape = (case["depth"], case["layers"], heads, depth)
        each = [self.uniform(2 * sequence + (0 if is_key else 1), range(int(np.prod(shape))))
                for sequence in range(case["batch"])]
        of_layer = np.stack(each).reshape(case["batch"], *shape)[:, :, layer]
        return torch.from_numpy(of_layer.transpose(0, 2, 1, 3).astype(np.float64))


def model_of(case, weights):
    kind, configuration, parts = FAMILIES[case["family"]]
    if case["mlp"] == "gelu":
        parts = parts | {"hidden_act": "gelu_pytorch_tanh"}
    config = configuration(
        vocab_size=case["vocab"], hidden_size=case["hidden"], intermediate_size=case["ffn"],
        num_hidden_layers=case["layers"], num_attention_heads=case["heads"],
        num_key_value_heads=case["kvHeads"], head_dim=case["headDim"], rms_norm_eps=1e-5,
        tie_word_embeddings=case["isTied"], pad_token_id=None, bos_token_id=None, eos_token_id=None,
        **golden.rope_options(case["scaling"], case["base"]), **parts)
    model = kind(config).eval()
    values = dict(model.named_parameters())

    def fill(name, array):
        parameter = values.pop(name)
        assert parameter.dtype == torch.float64 and tuple(parameter.shape) == array.shape, name
        parameter.copy_(torch.from_numpy(array))

    vocabulary = (case["vocab"], case["hidden"])
    fill("model.embed_tokens.weight", weights.matrix(0, *vocabulary))
    if not case["isTied"]:
        fill("lm_head.weight", weights.matrix(1, *vocabulary))
    for layer in range(case["layers"]):
        for product, part in enumerate(PRODUCTS):
            name = f"model.layers.{layer}.{part}.weight"
            if name in values:
                matrix = weights.matrix(8 * layer + product + 2, *values[name].shape)
                if product < 2 and case["layout"] == "llama":
                    matrix = halves(matrix, case["headDim"])
                fill(name, matrix)
        fill(f"model.layers.{layer}.input_layernorm.weight", weights.gain(2 * layer))
        fill(f"model.layers.{layer}.post_attention_layernorm.weight", weights.gain(2 * layer + 1))
    fill("model.norm.weight", weights.gain(2 * case["layers"]))
    for name, parameter in values.items():
        assert name.endswith(".bias"), name
        parameter.zero_()
    assert model.model.rotary_emb.inv_freq.dtype == torch.float64
    return model


def halves(matrix, depth):
    """Rows of queries or keys whose pairs are neighbours, in transformers' order: one half after the other.

    It is what llama.cpp's `permute` in convert_hf_to_gguf.py takes back.
    """
    rows, columns = matrix.shape
    return matrix.reshape(-1, depth // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns).copy()


@torch.no_grad()
def run(case):
    weights = {"dyadic": Dyadic, "made-up": MadeUp}[case["weights"]](case)
    model = model_of(case, weights)
    given = case["prompt"] + case["tokens"]
    ids = torch.tensor(
        [[weights.token(place, sequence) for place in range(given)]
         for sequence in range(case["batch"])])
    cache = DynamicCache(config=model.config)
    for layer in range(case["layers"] if case["depth"] else 0):
        cache.update(weights.before(layer, True), weights.before(layer, False), layer)
    seen = {}
    model.model.layers[-1].register_forward_hook(
        lambda _, __, output: seen.update(states=output))
    model.model.norm.register_forward_hook(lambda _, __, output: seen.update(normed=output))
    result = dict(case) | {"ids": ids.flatten().tolist(), "logits": [], "terms": []}
    cuts = [0] * (case["prompt"] > 0) + list(range(case["prompt"], given + 1))
    for start, end in zip(cuts, cuts[1:]):
        logits = model(input_ids=ids[:, start:end], past_key_values=cache, use_cache=True).logits
        assert logits.dtype == torch.float64 and cache.get_seq_length() == case["depth"] + end
        if start == 0 and case["states"]:
            result["states"] = numbers(seen["states"])
        terms = seen["normed"][:, -1].abs() @ model.lm_head.weight.abs().T
        result["logits"].append(numbers(logits[:, -1]))
        result["terms"].append(numbers(terms.max())[0])
    if not case["states"]:
        del result["states"]
    return result


def case(family, weights, layers, hidden, ffn, heads, kv_heads, head_dim, vocab, *, base=10000,
         scaling="none", tied=False, layout="neox", batch=2, depth=0, prompt, tokens, seed,
         states=False):
    return {
        "family": family, "weights": weights, "layers": layers, "hidden": hidden, "ffn": ffn,
        "heads": heads, "kvHeads": kv_heads, "headDim": head_dim, "vocab": vocab, "isTied": tied,
        "mlp": "gelu" if family == "arcee" else "swiglu", "layout": layout, "base": base,
        "scaling": scaling, "batch": batch, "depth": depth, "prompt": prompt, "tokens": tokens,
        "seed": seed, "states": states}


CASES = [
    case("llama", "dyadic", 3, 48, 72, 6, 2, 10, 37, prompt=7, tokens=3, seed=1, states=True),
    case("llama", "dyadic", 2, 40, 72, 4, 4, 16, 31, base=500000, scaling="llama3(8)", prompt=9,
         tokens=2, seed=2),
    case("mistral", "dyadic", 2, 48, 72, 8, 1, 8, 31, base=1000000, batch=1, prompt=21, tokens=4,
         seed=3),
    case("qwen2", "dyadic", 2, 56, 40, 7, 1, 12, 41, base=1000000, tied=True, batch=3, prompt=2,
         tokens=3, seed=4),
    case("arcee", "dyadic", 2, 48, 80, 6, 3, 8, 31, scaling="yarn(4)", batch=1, prompt=1, tokens=6,
         seed=5),
    case("llama", "made-up", 2, 48, 72, 6, 2, 10, 67, prompt=5, tokens=2, seed=6),
    case("llama", "made-up", 2, 48, 72, 6, 2, 10, 37, layout="llama", scaling="yarn(4)", prompt=7,
         tokens=0, seed=7),
    case("arcee", "made-up", 2, 48, 72, 4, 1, 16, 37, tied=True, depth=4, prompt=3, tokens=1,
         seed=2 ** 40 + 8),
    case("qwen2", "made-up", 2, 48, 72, 6, 6, 8, 37, base=1000000, depth=20, prompt=0, tokens=2,
         seed=9),
]

golden.write_or_check([run(one) for one in CASES], ("torch", "transformers", "numpy"))
