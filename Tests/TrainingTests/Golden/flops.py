#!/usr/bin/env python3
"""Floating-point operations of a training step, as PyTorch's FlopCounterMode counts them.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/TrainingTests/Golden/flops.py > Tests/TrainingTests/Golden/flops.json
    python3 Tests/TrainingTests/Golden/flops.py --check Tests/TrainingTests/Golden/flops.json

One forward and one backward pass of models of `tiny.py`: all weights trained, and `grouped` with LoRA of rank 4 on
queries and values, all else frozen. The counter takes 2 · m · k · n for a product of m × k and k × n, and counts
nothing else: no norm, no softmax, no lookup. Its numbers are of `mm`, which are projections, and of `bmm`, which are
attention's scores and sums: all of tokens × tokens, since attention is written out and the mask adds to the scores
(`eager`), so that there is no causal half to leave out.

`forward` and `backward` have both; `modules` has each projection's in the forward pass, by name. There is no such
list of the backward pass: the counter puts a part of it to the wrong module, and only its totals are right. In its
place are `products`: how many of each shape a pass runs, [m, k, n] for mm and [batch, m, k, n] for bmm, which the
script counts for itself; their sum is held against the counter's.

With LoRA a pass leaves out what nobody needs: gradients of frozen weights, and of whatever nothing trained lies before.
The first layer's input needs none, and so neither its keys nor what its first LoRA takes.
"""

import collections
import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

import tiny
import golden
import torch
from peft import LoraConfig, get_peft_model
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

OPERATIONS = {torch.ops.aten.mm.default: "mm", torch.ops.aten.bmm.default: "bmm"}


class Products(TorchDispatchMode):
    """Counts products by operation and shape."""

    def __init__(self):
        super().__init__()
        self.counts = collections.Counter()

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        if function in OPERATIONS:
            one, other = arguments
            self.counts[OPERATIONS[function], *one.shape, other.shape[-1]] += 1
        return function(*arguments, **(keywords or {}))


def measured(work):
    """What a pass returns, and what it counts: all, and by module."""
    with FlopCounterMode(display=False) as counter, Products() as products:
        result = work()
    flops = {OPERATIONS[operation.default]: count for operation, count in counter.get_flop_counts()["Global"].items()}
    own = collections.Counter()
    for (operation, *shape), count in products.counts.items():
        own[operation] += 2 * torch.Size(shape).numel() * count
    assert own == flops and counter.get_total_flops() == sum(flops.values())
    listed = [{"operation": operation, "shape": shape, "count": count}
              for (operation, *shape), count in sorted(products.counts.items())]
    return result, flops | {"products": listed}, counter.get_flop_counts()


def run(name, case, wraps=lambda model: model):
    model = wraps(tiny.model_of(case))
    inputs, targets = tiny.batch_of(case)
    loss, forward, modules = measured(lambda: tiny.loss_of(model(input_ids=inputs).logits, targets))
    _, backward, _ = measured(loss.backward)
    linear = {f"{type(model).__name__}.{name}": name.removeprefix("base_model.model.")
              for name, module in model.named_modules() if type(module) is torch.nn.Linear}
    forward["modules"] = {short: sum(modules[long].values()) for long, short in linear.items()}
    assert sum(forward["modules"].values()) == forward["mm"]
    return {"name": name, "forward": forward, "backward": backward}


def with_lora(model):
    return get_peft_model(
        model, LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]))


CASES = [
    run("grouped", tiny.GROUPED),
    run("tied", tiny.TIED),
    run("grouped, LoRA of queries and values", tiny.GROUPED, with_lora),
]

golden.write_or_check(CASES, ("torch", "transformers", "peft"))
