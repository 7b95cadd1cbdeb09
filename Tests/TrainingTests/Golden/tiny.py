"""The tiny models that the scripts beside this train, in numbers that Swift draws alike.

Every number is made of `dyadic(s, e)` = (hash32(s, e) >> 28) − 7.5, with `hash32` of Sources/Kernels/Hash.swift:
sixteen values from −7.5 to 7.5. Times a power of two it is exact in fp32. With a case's `seed`, and element e of a
row-major matrix or of a vector:

  matrix i   scale · dyadic(hash32(seed, i), e), rows are outputs and columns are inputs, as torch keeps them.
             i is 0 for the embedding and 1 for the logits, whose rows are tokens of the vocabulary, and
             8 · layer + product + 2 for the products q, k, v, out, gate, up, down = 0 … 6.
             scale is 2⁻⁶ for the embedding, 2⁻⁵ for the logits, and 2⁻⁴ for all others.
  gain i     1 + dyadic(hash32(seed, 2¹⁶ + i), e) / 32. i is 2 · layer for the norm before attention, 2 · layer + 1
             for the one before the network, and 2 · layers for the last.
  ids        ids[b, t] = hash32(seed + 1, b · (tokens + 1) + t) mod vocab, for t = 0 … tokens. The first `tokens`
             of a sequence are inputs, the last `tokens` are targets. Step s of a run draws with seed + s for seed,
             and its weights stay those of the seed.

Where the embedding is tied it also makes the logits, and there is no matrix 1. Norms have an epsilon of 1e-5.
Rotary embeddings have a base of 10000, and pair element j of a head with element j + headDim / 2. Scores are divided
by √headDim. There are no biases. A target of −100 has no loss; a loss is the mean over targets that have one.
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "WorkloadsTests/Golden"))

import golden
import torch
from golden import dyadic, hash32
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

PRODUCTS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


def case(name, *, layers, hidden, ffn, heads, kv_heads, head_dim, vocab, tied=False, batch, tokens, seed):
    return {
        "name": name, "layers": layers, "hidden": hidden, "ffn": ffn, "heads": heads, "kvHeads": kv_heads,
        "headDim": head_dim, "vocab": vocab, "isTied": tied, "batch": batch, "tokens": tokens, "seed": seed}


GROUPED = case("grouped", layers=2, hidden=16, ffn=24, heads=4, kv_heads=2, head_dim=4, vocab=40, batch=2, tokens=7,
               seed=1)
TIED = case("tied", layers=1, hidden=24, ffn=20, heads=3, kv_heads=1, head_dim=8, vocab=31, tied=True, batch=1,
            tokens=9, seed=2)


def drawn(case, index, scale, *shape):
    """Numbers of one of a case's streams."""
    return golden.tensor(int(hash32(case["seed"], index)), scale, *shape)


def config_of(case):
    return LlamaConfig(
        vocab_size=case["vocab"], hidden_size=case["hidden"], intermediate_size=case["ffn"],
        num_hidden_layers=case["layers"], num_attention_heads=case["heads"], num_key_value_heads=case["kvHeads"],
        head_dim=case["headDim"], rms_norm_eps=1e-5, tie_word_embeddings=case["isTied"], attention_bias=False,
        mlp_bias=False, attention_dropout=0.0, pad_token_id=None, bos_token_id=None, eos_token_id=None,
        attn_implementation="eager", **golden.rope_options("none", 10000))


def model_of(case):
    """As LlamaForCausalLM, all of whose weights are drawn anew."""
    model = LlamaForCausalLM(config_of(case)).train()
    model.config.use_cache = False
    values = dict(model.named_parameters())

    @torch.no_grad()
    def fill(name, tensor):
        parameter = values.pop(name)
        assert parameter.dtype == torch.float64 and parameter.shape == tensor.shape, name
        parameter.copy_(tensor)

    vocabulary = (case["vocab"], case["hidden"])
    fill("model.embed_tokens.weight", drawn(case, 0, 2.0 ** -6, *vocabulary))
    if not case["isTied"]:
        fill("lm_head.weight", drawn(case, 1, 2.0 ** -5, *vocabulary))
    norms = {"model.norm": 2 * case["layers"]}
    for layer in range(case["layers"]):
        place = f"model.layers.{layer}"
        for product, part in enumerate(PRODUCTS):
            name = f"{place}.{part}.weight"
            fill(name, drawn(case, 8 * layer + product + 2, 2.0 ** -4, *values[name].shape))
        norms |= {f"{place}.input_layernorm": 2 * layer, f"{place}.post_attention_layernorm": 2 * layer + 1}
    for name, index in norms.items():
        fill(f"{name}.weight", 1 + drawn(case, (1 << 16) + index, 2.0 ** -5, case["hidden"]))
    assert not values and model.model.rotary_emb.inv_freq.dtype == torch.float64
    return model


def batch_of(case, step=0):
    """A step's inputs and targets: sequences × tokens each."""
    batch, tokens = case["batch"], case["tokens"]
    numbers = hash32(case["seed"] + step + 1, range(batch * (tokens + 1))) % case["vocab"]
    ids = torch.from_numpy(numbers.astype("int64").reshape(batch, tokens + 1))
    return ids[:, :-1], ids[:, 1:].clone()


def loss_of(logits, targets, reduction="mean"):
    return cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction=reduction)


def gradients_of(model):
    """Those that a backward pass has left, by name."""
    return {name: golden.array(parameter.grad) for name, parameter in model.named_parameters()
            if parameter.requires_grad}
