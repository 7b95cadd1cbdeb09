#!/usr/bin/env python3
"""Computes dumped training steps again in PyTorch, in fp64: losses, and every gradient.

    headroom sweep --workload training-step … --dump FOLDER --dump-steps 3
    python3 Tests/Witness/training_step.py FOLDER

Each file holds the weights by transformers' names, tokens, targets, the gradients of the first step and the losses
of all. Training in fp32 is computed again, with any checkpointing, loss and optimizer of AdamW, SGD and momentum; of
an adapter, PEFT reads the folder that stands beside the file, and has the same loss and gradients.
"""
import glob
import sys

import torch
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForCausalLM

RATE, DECAY = 5e-5, 0.01


def axes(case):
    return dict(pair.split("=", 1) for pair in case.split("/", 1)[1].split(","))


def model_of(axis, weights):
    config = LlamaConfig(
        hidden_size=int(axis["hidden"]), intermediate_size=int(axis["ffn"]), num_hidden_layers=int(axis["layers"]),
        num_attention_heads=int(axis["heads"]), num_key_value_heads=int(axis["kv-heads"]),
        head_dim=int(axis["head-dim"]), vocab_size=int(axis["vocab"]), tie_word_embeddings=axis["tied"] == "yes",
        rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": float(axis["rope-base"])},
        attention_bias=False, mlp_bias=False)
    model = LlamaForCausalLM(config).double()
    state = {name: tensor.double().reshape(model.state_dict()[name].shape) for name, tensor in weights.items()}
    missing = set(dict(model.named_parameters())) - set(state)
    if missing:
        raise SystemExit(f"the dump lacks {sorted(missing)}")
    model.load_state_dict(state, strict=False)
    return model


def optimizer_of(axis, model):
    if axis["optimizer"] == "adamw":
        return torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=RATE, weight_decay=DECAY)
    momentum = 0.9 if axis["optimizer"] == "momentum" else 0
    # PyTorch's own decay goes into the gradient: here it is decoupled, as in AdamW.
    return torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=RATE, momentum=momentum)


def adapted(model, folder):
    """The model with the adapter that PEFT reads, to be trained: and its parameters by the names of the dump."""
    from peft import PeftModel
    with_adapter = PeftModel.from_pretrained(model, folder).double()
    found = {}
    for name, parameter in with_adapter.named_parameters():
        if any(word in name for word in ("lora_", "ia3_", "prompt_encoder")):
            parameter.requires_grad_(True)
            found[name.replace(".default", "")] = parameter
    return with_adapter, found


def gradients_of_prefix(gradient, layers):
    """PEFT's one matrix as the dump has it: keys and values of each layer."""
    parts = gradient.reshape(gradient.shape[0], 2 * layers, -1)
    return {f"prefix.{place // 2}.{('keys', 'values')[place % 2]}": parts[:, place] for place in range(2 * layers)}


def loss_of(model, ids, targets, count):
    logits = model(input_ids=ids, use_cache=False).logits
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum") / count


def check(path):
    with safe_open(path, "pt") as file:
        case, tensors = file.metadata()["case"], {name: file.get_tensor(name) for name in file.keys()}
    axis = axes(case)
    known = axis["adapter"] in ("none", "ia3") or axis["adapter"].split("(")[0] in ("lora", "prefix")
    if not known or axis["precision"] != "fp32" or axis["rope"] != "neox" or axis["dropout"] != "0":
        return None
    weights = {n: t for n, t in tensors.items() if n.startswith(("model.", "lm_head."))}
    model = model_of(axis, weights)
    parameters = dict(model.named_parameters())
    if axis["adapter"] != "none":
        model, parameters = adapted(model, path.removesuffix(".safetensors"))
    optimizer = optimizer_of(axis, model)
    batch = int(axis["batch"])
    ids, targets = tensors["ids"].long(), tensors["targets"].long()
    count = int((targets >= 0).sum())
    worst = 0.0
    for step, told in enumerate(tensors["losses"].tolist()):
        optimizer.zero_grad()
        loss = 0.0
        for first in range(0, len(ids), batch):
            part = loss_of(model, ids[first:first + batch], targets[first:first + batch], count)
            part.backward()
            loss += part.item()
        worst = max(worst, abs(loss - told) / abs(loss))
        if step == 0:
            gradients = {name: parameter.grad for name, parameter in parameters.items()}
            if axis["adapter"].startswith("prefix"):
                (gradient,) = gradients.values()
                gradients = gradients_of_prefix(gradient, int(axis["layers"]))
            for name, gradient in gradients.items():
                own = tensors["gradient." + name].double().reshape(gradient.shape)
                size = gradient.square().mean().sqrt() + gradient.abs().max() + 1e-30
                worst = max(worst, ((own - gradient).abs().max() / size).item())
        if axis["clip"] != "none":
            limit = float(axis["clip"].removeprefix("norm(").removesuffix(")"))
            torch.nn.utils.clip_grad_norm_(list(parameters.values()), limit)
        if axis["optimizer"] != "adamw":
            with torch.no_grad():
                for parameter in parameters.values():
                    parameter.mul_(1 - RATE * DECAY)
        optimizer.step()
    return case, worst


def main():
    torch.set_num_threads(1)
    checked = [found for path in sorted(glob.glob(sys.argv[1] + "/training-step-*.safetensors"))
               if (found := check(path))]
    for case, worst in checked:
        print(f"{worst:.1e}  {case}")
    if not checked or any(not worst < 1e-5 for _, worst in checked):
        raise SystemExit(f"{len(checked)} steps were computed again, and all must be within 1e-5")


if __name__ == "__main__":
    main()
