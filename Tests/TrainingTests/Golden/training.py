#!/usr/bin/env python3
"""Losses and gradients of tiny models as transformers and PyTorch compute them in fp64.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/TrainingTests/Golden/training.py > Tests/TrainingTests/Golden/training.json
    python3 Tests/TrainingTests/Golden/training.py --check Tests/TrainingTests/Golden/training.json

The models are LlamaForCausalLM, with weights and tokens as `tiny.py` says. Each case has its `targets`, −100 where
there is no loss, the `loss`, and the gradient of it to every parameter by transformers' names; the first one has its
`logits`, too.

`masked` is `grouped` where the first 3 targets of the first sequence and the first 5 of the second have no loss.
In `packed` a row is two documents, of 5 and 7 tokens: positions begin anew at 0 with each, a token attends to its own
document only, and the last of a document has no loss where its target is another document's. It is computed as one
row with a mask, and with each document apart: both agree.
"""

import sys

# What is imported from beside this leaves nothing there.
sys.dont_write_bytecode = True

import tiny
import golden
import torch

PACKED = tiny.case("packed", layers=2, hidden=16, ffn=12, heads=2, kv_heads=1, head_dim=8, vocab=29, batch=1,
                   tokens=12, seed=5) | {"documents": [5, 7]}


def masked(targets):
    targets[0, :3] = targets[1, :5] = -100
    return targets


def packed(model, inputs, targets, documents):
    """The logits of a row of documents, and their loss."""
    ends = torch.tensor(documents).cumsum(0)
    targets[0, ends[:-1] - 1] = -100
    owner = torch.repeat_interleave(torch.arange(len(documents)), torch.tensor(documents))
    positions = torch.cat([torch.arange(length) for length in documents])
    sees = (owner[:, None] == owner[None, :]) & torch.ones(len(owner), len(owner)).tril().bool()
    # What is added to scores: 0, or as little as there is.
    mask = torch.zeros(1, 1, *sees.shape).masked_fill(~sees, torch.finfo(torch.float64).min)
    logits = model(input_ids=inputs, position_ids=positions[None], attention_mask=mask).logits
    loss = tiny.loss_of(logits, targets)
    apart = torch.cat([model(input_ids=ids).logits for ids in inputs.split(documents, dim=1)], dim=1)
    torch.testing.assert_close(logits, apart, rtol=0, atol=1e-13)
    parts = list(model.parameters())
    for one, other in zip(torch.autograd.grad(loss, parts, retain_graph=True),
                          torch.autograd.grad(tiny.loss_of(apart, targets), parts)):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-13)
    return logits, loss


def run(case, mask=None):
    model = tiny.model_of(case)
    inputs, targets = tiny.batch_of(case)
    if mask:
        targets = mask(targets)
    if "documents" in case:
        logits, loss = packed(model, inputs, targets, case["documents"])
    else:
        logits = model(input_ids=inputs).logits
        loss = tiny.loss_of(logits, targets)
        # transformers' own loss, of labels that it does not shift.
        own = model.loss_function(logits, None, case["vocab"], shift_labels=targets)
        torch.testing.assert_close(loss, own, rtol=0, atol=1e-14)
    loss.backward()
    assert logits.dtype == loss.dtype == torch.float64
    result = dict(case) | {"inputs": inputs.flatten().tolist(), "targets": targets.flatten().tolist(),
                           "loss": loss.item(), "gradients": tiny.gradients_of(model)}
    return result | ({"logits": golden.array(logits)} if case["name"] == "grouped" else {})


CASES = [
    run(tiny.GROUPED),
    run(tiny.TIED),
    run(tiny.GROUPED | {"name": "masked"}, masked),
    run(tiny.case("wide heads", layers=1, hidden=16, ffn=20, heads=4, kv_heads=4, head_dim=6, vocab=23, batch=3,
                  tokens=5, seed=4)),
    run(PACKED),
]

golden.write_or_check(CASES, ("torch", "transformers", "numpy"))
