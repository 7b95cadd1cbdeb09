#!/usr/bin/env python3
"""A training step in PyTorch as a variant: exec:python3 suites/exec/torch_training.py

Needs numpy, torch and transformers from PyPI; adapters need peft, nf4 and adamw8 bitsandbytes. The model
is transformers' LlamaForCausalLM with the weights that our own variants make up for the same seed, and a
call is a whole step: forward, loss, backward, clipping, the optimizer. Each call goes on from the weights
that the one before it left.

The argument `--compile` has torch.compile make the forward and the backward pass: that needs a C++
compiler, and the first step, which compiles unless the compiler's cache has it all, is told as the
preparation. Memory is what the kernel counts of the process, with what the allocator keeps for itself and,
compiled, the compiler's own: `env LD_PRELOAD=libtcmalloc_minimal.so.4 python3 …` takes less than glibc's.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import MemoryAccount, Prepared, Unsupported, serve  # noqa: E402

ATTENTION = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "out": "self_attn.o_proj"}
# In the order in which made-up weights are drawn.
PRODUCTS = ATTENTION | {"gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"}
TARGETS = {"all": list(PRODUCTS), "attention": list(ATTENTION), "q+v": ["q", "v"]}
OPTIMIZERS = ("adamw", "adamw8", "sgd", "momentum")
RATE = 5e-5
# What an axis is where the problem does not name it.
DEFAULTS = {
    "tied": "no", "batch": 1, "checkpointing": "none", "loss": "whole", "precision": "fp32", "attention": "tiled",
    "adapter": "none", "targets": "all", "alpha": 16, "dropout": "0", "base": "fp32", "optimizer": "adamw",
    "update": "separate", "accumulation": 1, "clip": "none", "mlp": "swiglu"}
KNOWN = {
    "checkpointing": ("none", "block"), "loss": ("whole",), "precision": ("fp32", "bf16"),
    "attention": ("tiled", "naive"), "targets": tuple(TARGETS), "base": ("fp32", "nf4"), "optimizer": OPTIMIZERS,
    "update": ("separate",), "mlp": ("swiglu",)}
# Of the step that is taken before the account begins, so that what libraries load late is the harness's.
TINY = {"layers": 1, "hidden": 64, "ffn": 64, "heads": 2, "kvHeads": 2, "headDim": 32, "vocab": 64, "tokens": 16,
        "batch": 1, "accumulation": 1}


def argument(problem, axis, name):
    """What stands in the parentheses of `name(…)`; None where the axis is `none`."""
    if problem[axis] == "none":
        return None
    found = re.fullmatch(rf"{name}\((.+)\)", problem[axis])
    if not found:
        raise Unsupported(f"it knows no {axis} {problem[axis]}")
    return found[1]


def prepare(order, problem):
    if order["workload"] != "training-step" or order["cache"] == "cold":
        raise Unsupported("it knows training steps only, which are not kept cold")
    problem = DEFAULTS | problem
    for axis, values in KNOWN.items():
        if problem[axis] not in values:
            raise Unsupported(f"it knows no {axis} {problem[axis]}")
    rank = argument(problem, "adapter", "lora")
    argument(problem, "clip", "norm")
    if rank is None and (problem["base"] != "fp32" or float(problem["dropout"]) > 0):
        raise Unsupported("it knows a rounded base and dropout with an adapter only")
    is_compiled = "--compile" in sys.argv
    os.environ["OMP_NUM_THREADS"] = str(order["threads"])
    try:
        import torch
        import transformers

        torch.set_num_threads(order["threads"])
        others = [__import__(name) for name in needed(problem)]
    except ImportError as missing:
        raise Unsupported(f"{missing} for {sys.executable}")
    transformers.logging.set_verbosity_error()
    Step(problem | TINY, order["seed"], is_compiled)()
    if is_compiled:
        torch.compiler.reset()

    memory = MemoryAccount()
    step = Step(problem, order["seed"], is_compiled)
    memory.begin("preparation")
    start = time.perf_counter()
    step()
    # Without compiling, a first step is a step.
    seconds = time.perf_counter() - start if is_compiled else 0.0
    memory.begin("run")
    names = [f"{library.__name__} {library.__version__}" for library in (transformers, *others)]
    library = f"PyTorch {torch.__version__}{' compiled' if is_compiled else ''}, {', '.join(names)}"
    return Prepared(lambda _: step(), 1, library, seconds=seconds, memory=memory)


def needed(problem):
    """The packages that a problem takes beside transformers."""
    if problem["adapter"] != "none":
        yield "peft"
    if problem["base"] == "nf4" or problem["optimizer"] == "adamw8":
        yield "bitsandbytes"


class Step:
    """A model, its optimizer and its tokens; a call trains it on all of them and answers the loss."""

    def __init__(self, problem, seed, is_compiled):
        import torch

        torch.manual_seed(seed % 2**63)
        self.problem, self.torch = problem, torch
        model = model_of(problem, seed)
        inner = model
        rank = argument(problem, "adapter", "lora")
        if rank is not None:
            model = adapted(model, problem, int(rank))
        if problem["checkpointing"] == "block":
            # What was `gradient_checkpointing_enable` before.
            enable = getattr(inner, "activation_checkpointing_enable", None) or inner.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        self.model = model.train()
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = optimizer_of(problem, self.trained)
        norm = argument(problem, "clip", "norm")
        self.norm = None if norm is None else float(norm)
        ids = torch.from_numpy(tokens_of(problem, seed))
        self.batches = [(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
                        for ids in ids.split(problem["batch"])]
        self.loss = torch.compile(self.loss_of, dynamic=False) if is_compiled else self.loss_of

    def loss_of(self, inputs, labels):
        torch = self.torch
        with torch.autocast("cpu", torch.bfloat16, enabled=self.problem["precision"] == "bf16"):
            logits = self.model(input_ids=inputs, use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten())

    def __call__(self):
        self.optimizer.zero_grad(set_to_none=True)
        whole = 0.0
        for inputs, labels in self.batches:
            loss = self.loss(inputs, labels) / len(self.batches)
            loss.backward()
            whole += loss.item()
        if self.norm is not None:
            self.torch.nn.utils.clip_grad_norm_(self.trained, self.norm)
        self.optimizer.step()
        return whole


def model_of(problem, seed):
    """The model with made-up weights; nothing is allocated that it does not keep."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    config = LlamaConfig(
        vocab_size=problem["vocab"], hidden_size=problem["hidden"], intermediate_size=problem["ffn"],
        num_hidden_layers=problem["layers"], num_attention_heads=problem["heads"],
        num_key_value_heads=problem["kvHeads"], head_dim=problem["headDim"], rms_norm_eps=1e-5,
        tie_word_embeddings=problem["tied"] == "yes", max_position_embeddings=max(2048, problem["tokens"]),
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, use_cache=False,
        attn_implementation="sdpa" if problem["attention"] == "tiled" else "eager",
        pad_token_id=None, bos_token_id=None, eos_token_id=None)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.model.rotary_emb = LlamaRotaryEmbedding(config)
    weights = MadeUpWeights(seed)

    def fill(module, index):
        module.weight = torch.nn.Parameter(weights.matrix(index, *module.weight.shape))

    def gain(module, index):
        module.weight = torch.nn.Parameter(weights.gain(index, *module.weight.shape))

    fill(model.model.embed_tokens, 0)
    if config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    else:
        fill(model.lm_head, 1)
    for number, layer in enumerate(model.model.layers):
        for product, name in enumerate(PRODUCTS.values()):
            fill(layer.get_submodule(name), 8 * number + product + 2)
            if problem["base"] == "nf4":
                layer.set_submodule(name, rounded(layer.get_submodule(name)))
        gain(layer.input_layernorm, 2 * number)
        gain(layer.post_attention_layernorm, 2 * number + 1)
    gain(model.model.norm, 2 * problem["layers"])
    # As a model that was loaded so is marked, for peft.
    model.is_loaded_in_4bit = problem["base"] == "nf4"
    return model


def rounded(linear):
    """A product whose weights bitsandbytes stores as nf4, in blocks of 64."""
    import bitsandbytes
    import torch

    result = bitsandbytes.nn.Linear4bit(
        linear.in_features, linear.out_features, bias=False, compute_dtype=torch.float32, quant_type="nf4",
        compress_statistics=False, device="meta")
    result.weight = bitsandbytes.nn.Params4bit(
        linear.weight.data, requires_grad=False, quant_type="nf4", compress_statistics=False, module=result)
    return result.to("cpu")


def adapted(model, problem, rank):
    from peft import LoraConfig, get_peft_model

    names = [PRODUCTS[target].split(".")[1] for target in TARGETS[problem["targets"]]]
    return get_peft_model(model, LoraConfig(
        r=rank, lora_alpha=problem["alpha"], lora_dropout=float(problem["dropout"]), target_modules=names,
        bias="none"))


def optimizer_of(problem, trained):
    import torch

    name = problem["optimizer"]
    if name in ("sgd", "momentum"):
        return torch.optim.SGD(trained, lr=RATE, momentum=0.9 if name == "momentum" else 0.0, fused=True)
    options = {"lr": RATE, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}
    if name == "adamw":
        return torch.optim.AdamW(trained, fused=True, **options)
    import bitsandbytes

    return bitsandbytes.optim.AdamW8bit(trained, **options)


class MadeUpWeights:
    """Sources/Models/MadeUpWeights.swift, whose weights repeat every 61 rows, as tensors."""

    def __init__(self, seed):
        self.seed, self.low = seed, seed & 0xFFFFFFFF

    def matrix(self, index, rows, columns):
        import numpy as np
        import torch

        seed = (self.seed + 0x9E3779B97F4A7C15 * (index + 1)) % 2**64
        mixed, distinct = int(hash32(seed >> 32, seed & 0xFFFFFFFF)), np.arange(min(rows, 61))
        draws = (hash32(mixed, distinct) >> 8).astype(np.float32)
        scales = np.float32(0.01) + np.float32(0.02) * draws * np.float32(2.0**-24)
        streams = hash32((mixed + 1) % 2**32, distinct)
        bits = hash32(streams[:, None], np.arange(2 * columns))
        sums = ((bits & 0xFFFF) + (bits >> 16)).reshape(-1, columns, 2).sum(axis=2)
        centred = (sums.astype(np.int64) - 2 * 0xFFFF).astype(np.float32)
        few = scales[:, None] * centred * (np.float32(1.7320508) / np.float32(65536))
        result = torch.empty(rows, columns)
        for start in range(0, rows, 61):
            result[start:start + 61] = torch.from_numpy(few[:rows - start])
        return result

    def gain(self, index, columns):
        import numpy as np
        import torch

        bits = hash32(int(hash32(self.low, index)), np.arange(columns)) >> 8
        uniform = bits.astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
        return torch.from_numpy(1 + np.float32(0.25) * uniform)


def tokens_of(problem, seed):
    """Sequences × (tokens + 1): each token but the first is the label of the one before it."""
    import numpy as np

    shape = problem["batch"] * problem["accumulation"], problem["tokens"] + 1
    return (hash32((seed + 77) & 0xFFFFFFFF, np.arange(shape[0] * shape[1])) % problem["vocab"]).astype(
        np.int64).reshape(shape)


def hash32(seed, index):
    """Sources/Kernels/Hash.swift: the finalizer of MurmurHash3 over a seed and an index."""
    import numpy as np

    bits = np.asarray(index, dtype=np.uint64) * 0x9E3779B9 + np.asarray(seed, dtype=np.uint64)
    bits &= 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        bits = ((bits ^ (bits >> shift)) * factor) & 0xFFFFFFFF
    return bits


if __name__ == "__main__":
    serve(prepare)
