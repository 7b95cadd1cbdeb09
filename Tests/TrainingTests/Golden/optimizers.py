#!/usr/bin/env python3
"""Twenty steps of PyTorch's optimizers on a tiny model in fp64, with transformers' schedules.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/TrainingTests/Golden/optimizers.py > Tests/TrainingTests/Golden/optimizers.json
    python3 Tests/TrainingTests/Golden/optimizers.py --check Tests/TrainingTests/Golden/optimizers.json

The model is `grouped` of `tiny.py`, and all of its parameters are trained, gains too, with one weight decay.
Step s = 0 … 19 draws its tokens with seed + s. Each run has the `losses` before each step's update, the learning
`rates` of the steps, and the `weights` after the last: all of the first run, and three tensors of the others.

AdamW is torch.optim.AdamW: at update t = 1, 2 … with gradient g, w ← w · (1 − rate · decay); m ← β₁m + (1 − β₁)g;
v ← β₂v + (1 − β₂)g²; w ← w − rate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε). SGD's momentum is b ← 0.9 · b + g, which
begins as the first gradient, and w ← w − rate · b.

`clipped` has the `norms` of all gradients together before they are clipped: clip_grad_norm_ multiplies them by
min(1, maxNorm / (norm + 10⁻⁶)).

Schedules multiply the rate, by s / 4 in the 4 steps of warm-up, so that step 0 changes nothing; then by 1, or by
(20 − s) / 16, or by ½ (1 + cos(π (s − 4) / 16)).

`accumulated` has 4 micro-batches a step: micro-batch j of step s draws with seed + 4s + j, and of its targets the
first 2j of sequence 0 and the first j of sequence 1 have none, so that they are 14, 11, 8 and 5. The loss of the step
is the sum of all targets' losses divided by 38, the targets of the step.
"""

import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

import tiny
import golden
import torch
from transformers import (
    get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup)

STEPS, WARM_UP, MICRO_BATCHES = 20, 4, 4
ADAMW = {"name": "adamw", "rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.01}
SCHEDULES = {
    "constant": lambda optimizer: get_constant_schedule_with_warmup(optimizer, WARM_UP),
    "linear": lambda optimizer: get_linear_schedule_with_warmup(optimizer, WARM_UP, STEPS),
    "cosine": lambda optimizer: get_cosine_schedule_with_warmup(optimizer, WARM_UP, STEPS)}
# A product that rows of queries make, one with other sides, and a gain.
KEPT = ("model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight")


def optimizer_of(options, parameters):
    if options["name"] == "adamw":
        return torch.optim.AdamW(
            parameters, lr=options["rate"], betas=(options["beta1"], options["beta2"]), eps=options["epsilon"],
            weight_decay=options["decay"], foreach=False)
    return torch.optim.SGD(parameters, lr=options["rate"], momentum=options["momentum"], foreach=False)


def micro_batches(step, accumulates):
    """Inputs and targets of a step, and how many targets it has."""
    if not accumulates:
        batches = [tiny.batch_of(tiny.GROUPED, step)]
    else:
        batches = [tiny.batch_of(tiny.GROUPED, MICRO_BATCHES * step + index) for index in range(MICRO_BATCHES)]
        for index, (_, targets) in enumerate(batches):
            targets[0, :2 * index] = targets[1, :index] = -100
    return batches, sum(int((targets != -100).sum()) for _, targets in batches)


def run(name, options, *, schedule=None, max_norm=None, accumulates=False, keeps_all=False):
    model = tiny.model_of(tiny.GROUPED)
    parameters = dict(model.named_parameters())
    optimizer = optimizer_of(options, parameters.values())
    scheduler = SCHEDULES[schedule](optimizer) if schedule else None
    losses, rates, norms = [], [], []
    for step in range(STEPS):
        batches, count = micro_batches(step, accumulates)
        optimizer.zero_grad()
        losses.append(0.0)
        for inputs, targets in batches:
            loss = tiny.loss_of(model(input_ids=inputs).logits, targets, reduction="sum") / count
            loss.backward()
            losses[-1] += loss.item()
        if max_norm:
            norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm).item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler:
            scheduler.step()
    kept = {key: golden.array(value) for key, value in parameters.items() if keeps_all or key in KEPT}
    result = {"name": name, "optimizer": options, "losses": losses, "rates": rates, "weights": kept}
    if max_norm:
        assert min(norms) < 0.9 * max_norm and max(norms) > 1.1 * max_norm, norms
        result |= {"maxNorm": max_norm, "norms": norms}
    return result | ({"schedule": schedule} if schedule else {})


CASES = [
    run("adamw", ADAMW, keeps_all=True),
    run("sgd", {"name": "sgd", "rate": 0.1, "momentum": 0.0}),
    run("momentum", {"name": "sgd", "rate": 0.05, "momentum": 0.9}),
    run("clipped", ADAMW, max_norm=4.0),
    *(run(f"{schedule} schedule", ADAMW, schedule=schedule) for schedule in SCHEDULES),
    run("accumulated", ADAMW, accumulates=True),
]

golden.write_or_check(CASES, ("torch", "transformers", "numpy"))
