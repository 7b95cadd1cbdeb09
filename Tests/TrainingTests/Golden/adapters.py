#!/usr/bin/env python3
"""Losses and gradients of adapters on a tiny model as PEFT computes them in fp64, and the files that it writes.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/TrainingTests/Golden/adapters.py > Tests/TrainingTests/Golden/adapters.json
    python3 Tests/TrainingTests/Golden/adapters.py --check Tests/TrainingTests/Golden/adapters.json

The model is `grouped` of `tiny.py`, frozen, with its own tokens. Weights of adapters are drawn as its are, by
dyadic(hash32(seed, stream), e) with element e of a row-major matrix; products are counted from 0 as there.

  LoRA        y = x Wᵀ + (α / r) (x Aᵀ) Bᵀ, with r = 4 and α = 8; A is r × inputs, B outputs × r, both 2⁻⁵ times a
              draw, of streams 2¹⁷ + 2 (8 · layer + product) for A, and one more for B.
  prefix      3 virtual tokens, without a projection. The matrix is 3 × (layers · 2 · kvHeads · headDim), 2⁻⁴ times a
              draw of stream 2¹⁸. A token's row is [layer][key, value][head][element]. Those are a cache's keys and
              values: keys are not rotated, every token sees all of them, and the tokens of the text stand at
              positions 3, 4 …, since transformers counts from the length of the cache.
  (IA)³       Keys and values are scaled after their projection, k ← l ⊙ k before the rotation, and the input of the
              down projection before it, by vectors of 1 + a draw / 16 of streams 2¹⁹ + 8 · layer + product.
  bottleneck  y ← y + up(silu(down(y))) on the output y of attention (after its out projection), and on that of the
              network (after its down projection), each before it is added to the residual stream. `down` is 6 × hidden,
              `up` hidden × 6, 2⁻⁴ times draws of streams 2²⁰ + 8 · layer + 4 · place, and one more, with place 0 after
              attention and 1 after the network; where there are biases, of 6 and of hidden, they are 2⁻⁴ times draws of
              the two streams that follow. PEFT has no such adapter: this is written out in torch.

Each case has the `loss` and the `gradients` to its own weights, by names as PEFT writes them; `merged` is the query
projection of layer 0 with its LoRA added to it. `files` are of adapter_model.safetensors the names and shapes, and the
text of adapter_config.json, where lists that PEFT keeps as sets are sorted. Saved, a prefix is `prompt_embeddings`.
"""

import json
import os
import sys
import tempfile

# What is imported from beside this leaves nothing there. Nothing is asked of the network.
sys.dont_write_bytecode = True
os.environ["HF_HUB_OFFLINE"] = "1"

# Before golden, for it counts bytes by torch's types.
import safetensors.torch
import tiny
import golden
import torch
from golden import array
from peft import IA3Config, LoraConfig, PrefixTuningConfig, get_peft_model
from peft.utils import get_peft_model_state_dict

CASE = tiny.GROUPED
NAMES = [part.split(".")[1] for part in tiny.PRODUCTS]
RANK, WIDTH = 4, 6
SETS = ("target_modules", "feedforward_modules")


def product_of(name):
    """8 · layer + product of a weight's name."""
    parts = name.split(".")
    layer = int(parts[parts.index("layers") + 1])
    return 8 * layer + next(index for index, product in enumerate(NAMES) if product in parts)


def lora(name, shape):
    return tiny.drawn(CASE, (1 << 17) + 2 * product_of(name) + ("lora_B" in name), 2.0 ** -5, *shape)


def prefix(_, shape):
    return tiny.drawn(CASE, 1 << 18, 2.0 ** -4, *shape)


def scaling(name, shape):
    return 1 + tiny.drawn(CASE, (1 << 19) + product_of(name), 2.0 ** -4, *shape)


def loss_of(model):
    inputs, targets = tiny.batch_of(CASE)
    loss = tiny.loss_of(model(input_ids=inputs).logits, targets)
    loss.backward()
    assert loss.dtype == torch.float64
    return loss.item()


def saved(model):
    """What PEFT writes, as it is read back."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, save_embedding_layers=False)
        tensors = safetensors.torch.load_file(f"{folder}/adapter_model.safetensors")
        with open(f"{folder}/adapter_config.json") as file:
            text = file.read()
    values = json.loads(text)
    assert json.dumps(values, indent=2, sort_keys=True) == text
    values |= {name: sorted(values[name]) for name in SETS if isinstance(values.get(name), list)}
    shapes = {name: list(tensor.shape) for name, tensor in sorted(tensors.items())}
    return {"tensors": shapes, "config": json.dumps(values, indent=2, sort_keys=True)}


def run(name, config, draw, merges=False):
    """Fills what PEFT adds to the model, and asks for its gradients."""
    model = get_peft_model(tiny.model_of(CASE), config)
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    with torch.no_grad():
        for key, value in trained.items():
            value.copy_(draw(key, value.shape))
    loss = loss_of(model)
    # As PEFT writes names, which leaves its own of the adapter out.
    written = {value.data_ptr(): key for key, value in get_peft_model_state_dict(model).items()}
    gradients = {written.get(value.data_ptr(), "prompt_embeddings"): array(value.grad)
                 for value in trained.values()}
    files = saved(model)
    assert {key: value["shape"] for key, value in gradients.items()} == files["tensors"]
    result = {"name": name, "loss": loss, "gradients": gradients, "files": files}
    if merges:
        model.merge_adapter()
        result["merged"] = array(model.base_model.model.model.layers[0].self_attn.q_proj.base_layer.weight)
    return result


def lora_config(targets):
    return LoraConfig(
        task_type="CAUSAL_LM", r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, bias="none", target_modules=targets)


class Bottleneck(torch.nn.Module):
    """y + up(silu(down(y))), with weights that are drawn."""

    def __init__(self, stream, biases):
        super().__init__()
        hidden = CASE["hidden"]
        shapes = {"down": (WIDTH, hidden), "up": (hidden, WIDTH), "down_bias": (WIDTH,), "up_bias": (hidden,)}
        for index, (name, shape) in enumerate(shapes.items()):
            value = tiny.drawn(CASE, (1 << 20) + stream + index, 2.0 ** -4, *shape)
            setattr(self, name, torch.nn.Parameter(value) if index < 2 or biases else None)

    def forward(self, y):
        inner = torch.nn.functional.silu(torch.nn.functional.linear(y, self.down, self.down_bias))
        return y + torch.nn.functional.linear(inner, self.up, self.up_bias)


def bottleneck(name, biases):
    model = tiny.model_of(CASE).requires_grad_(False)
    adapters = {}
    for index, layer in enumerate(model.model.layers):
        attention, network = (Bottleneck(8 * index + 4 * place, biases) for place in range(2))
        layer.self_attn.register_forward_hook(
            lambda _, __, output, adapter=attention: (adapter(output[0]), *output[1:]))
        layer.mlp.register_forward_hook(lambda _, __, output, adapter=network: adapter(output))
        adapters |= {f"layers.{index}.self_attn": attention, f"layers.{index}.mlp": network}
    loss = loss_of(model)
    gradients = {f"{place}.{key}": array(value.grad)
                 for place, adapter in adapters.items() for key, value in adapter.named_parameters()}
    return {"name": name, "loss": loss, "gradients": gradients}


CASES = [
    run("LoRA of all products", lora_config(NAMES), lora, merges=True),
    run("LoRA of queries and values", lora_config(["q_proj", "v_proj"]), lora),
    run("prefix", PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3), prefix),
    run("(IA)3", IA3Config(task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj", "down_proj"],
                           feedforward_modules=["down_proj"]), scaling),
    bottleneck("bottleneck", False),
    bottleneck("bottleneck with biases", True),
]

golden.write_or_check(CASES, ("peft", "torch", "transformers", "safetensors", "numpy"))
