#!/usr/bin/env python3
"""Scales that PyTorch's GradScaler gives a loss, step by step, where some gradients are not finite.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/TrainingTests/Golden/scaler.py > Tests/TrainingTests/Golden/scaler.json
    python3 Tests/TrainingTests/Golden/scaler.py --check Tests/TrainingTests/Golden/scaler.json

torch.amp.GradScaler("cpu") begins with 2¹⁶. A step whose gradients are all finite updates weights; `interval` of them
in a row double the scale, and the count begins anew. A step with an infinity or a NaN is skipped: it halves the
scale, and the count begins anew.

`overflows` are the steps, from 0, with such a gradient, by turns an infinity, minus infinity and a NaN; `skipped` are
those that did not update. `scales` has the scale before each step, and the one after the last; of a long run there
are `changes` in its place: each step after which the scale was another one, and that scale.
"""

import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

# Knows where golden is.
import tiny
import golden
import torch

golden.plain_types()

BAD = (float("inf"), float("-inf"), float("nan"))


def run(interval, steps, overflows):
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=2.0 ** -10)
    scaler = torch.amp.GradScaler(
        "cpu", init_scale=2.0 ** 16, growth_factor=2.0, backoff_factor=0.5, growth_interval=interval)
    skipped, scales = [], [scaler.get_scale()]
    for step in range(steps):
        optimizer.zero_grad()
        scaler.scale(weight.sum()).backward()
        assert (weight.grad == scales[-1]).all()
        if step in overflows:
            weight.grad[1] = BAD[overflows.index(step) % len(BAD)]
        before = weight.detach().clone()
        scaler.step(optimizer)
        scaler.update()
        if (weight == before).all():
            skipped.append(step)
        else:
            # Gradients were taken by their scale before the update.
            assert (weight == before - 2.0 ** -10).all()
        scales.append(scaler.get_scale())
    result = {"interval": interval, "steps": steps, "overflows": overflows, "skipped": skipped}
    if steps <= 40:
        return result | {"scales": scales}
    changes = [{"step": step, "scale": scales[step + 1]} for step in range(steps) if scales[step + 1] != scales[step]]
    return result | {"changes": changes}


CASES = [
    run(2000, 30, [0, 1, 2, 9, 20, 21]),
    # Steps 3 to 5 double it, and 6 to 8; 11 would be a third; 12 to 14, 17 to 19, 20 to 22 and 23 to 25 double it.
    run(3, 30, [2, 11, 15, 16, 26, 28]),
    run(3, 30, []),
    # 2010 would be the 2000th after 10.
    run(2000, 6100, [10, 2010]),
]

golden.write_or_check(CASES, ("torch",))
