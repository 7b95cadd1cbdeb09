"""Peaks of whole training steps as PyTorch counts them, nothing being allocated: `torch-steps.json`, beside it.

    python3 torch_steps.py

A plain Llama (RMSNorm in fp32, rotary positions, grouped queries, SwiGLU) runs one step, then a second, whose peak is
told, under FakeTensorMode; every new storage is counted while it lives. Needs PyTorch (CPU) from PyPI.
"""

import json
import weakref
from pathlib import Path

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.checkpoint import checkpoint

F = nn.functional


class Live(TorchDispatchMode):
    """Bytes of all storages that are alive, and the most of each phase."""

    def __init__(self):
        super().__init__()
        self.sizes, self.live, self.phase, self.peaks = {}, 0, "load", {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for t in tree_flatten(out)[0]:
            if isinstance(t, torch.Tensor):
                self.add(t.untyped_storage())
        return out

    def add(self, storage):
        key = storage._cdata
        if key in self.sizes:
            return
        self.sizes[key] = storage.nbytes()
        self.live += storage.nbytes()
        weakref.finalize(storage, self.drop, key)
        self.peaks[self.phase] = max(self.peaks.get(self.phase, 0), self.live)

    def drop(self, key):
        self.live -= self.sizes.pop(key, 0)


class Norm(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(h))

    def forward(self, x):
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)
        return self.weight * wide.to(x.dtype)


class Linear(nn.Module):
    """With two thin matrices beside it where there is a rank."""

    def __init__(self, k, n, rank=0):
        super().__init__()
        self.base = nn.Linear(k, n, bias=False)
        if rank:
            self.base.weight.requires_grad = False
            self.a, self.b = nn.Linear(k, rank, bias=False), nn.Linear(rank, n, bias=False)

    def forward(self, x):
        y = self.base(x)
        return y + 2.0 * self.b(self.a(x)) if hasattr(self, "a") else y


def turned(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, f, n, k, d = c["hidden"], c["ffn"], c["heads"], c["kv_heads"], c["head_dim"]
        rank = {name: c["rank"] if name in c["targets"] else 0 for name in "qkvogud"}
        self.c = c
        self.norm1, self.norm2 = Norm(h), Norm(h)
        self.q, self.k, self.v = Linear(h, n * d, rank["q"]), Linear(h, k * d, rank["k"]), Linear(h, k * d, rank["v"])
        self.o = Linear(n * d, h, rank["o"])
        self.gate, self.up, self.down = Linear(h, f, rank["g"]), Linear(h, f, rank["u"]), Linear(f, h, rank["d"])

    def attention(self, x, cos, sin, mask):
        c = self.c
        b, s, _ = x.shape
        q = self.q(x).view(b, s, c["heads"], -1).transpose(1, 2)
        k = self.k(x).view(b, s, c["kv_heads"], -1).transpose(1, 2)
        v = self.v(x).view(b, s, c["kv_heads"], -1).transpose(1, 2)
        q, k = q * cos + turned(q) * sin, k * cos + turned(k) * sin
        if c["attention"] == "sdpa":
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=c["heads"] != c["kv_heads"])
        else:
            times = c["heads"] // c["kv_heads"]
            if times > 1:
                k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
            p = torch.matmul(q, k.transpose(2, 3)) * c["head_dim"] ** -0.5
            p = p + mask
            p = F.softmax(p, dim=-1, dtype=torch.float32).to(q.dtype)
            y = torch.matmul(p, v)
        return self.o(y.transpose(1, 2).reshape(b, s, -1))

    def forward(self, x, cos, sin, mask):
        x = x + self.attention(self.norm1(x), cos, sin, mask)
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embedding = nn.Embedding(c["vocab"], c["hidden"])
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["layers"]))
        self.norm = Norm(c["hidden"])
        self.head = nn.Linear(c["hidden"], c["vocab"], bias=False)
        if c["tied"]:
            self.head.weight = self.embedding.weight
        if c["rank"]:
            for name, p in self.named_parameters():
                p.requires_grad = ".a." in name or ".b." in name

    def forward(self, ids):
        c, s = self.c, ids.shape[1]
        x = self.embedding(ids)
        if c["rank"] and c["checkpoint"]:
            x.requires_grad_()
        cos = torch.ones(s, c["head_dim"], dtype=x.dtype)
        sin = torch.ones(s, c["head_dim"], dtype=x.dtype)
        mask = torch.zeros(s, s, dtype=x.dtype) if c["attention"] == "eager" else None
        for block in self.blocks:
            if c["checkpoint"]:
                x = checkpoint(block, x, cos, sin, mask, use_reentrant=False)
            else:
                x = block(x, cos, sin, mask)
        return self.head(self.norm(x))


def measure(c):
    torch.set_default_dtype(getattr(torch, c["dtype"]))
    with FakeTensorMode(), Live() as live:
        model = Llama(c)
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, foreach=False)
        ids = torch.randint(0, c["vocab"], (c["batch"], c["tokens"]))

        def step():
            optimizer.zero_grad(set_to_none=True)
            live.phase = "forward"
            loss = F.cross_entropy(model(ids).float().view(-1, c["vocab"]), ids.view(-1))
            live.phase = "backward"
            loss.backward()
            live.phase = "optimizer"
            optimizer.step()

        step()
        live.peaks = {}
        step()
    return dict(live.peaks)


SHAPES = {
    "llama-3.2-1b": (16, 2048, 8192, 32, 8, 64, 128256, True),
    "tinyllama-1.1b": (22, 2048, 5632, 32, 4, 64, 32000, False),
    "smollm2-135m": (30, 576, 1536, 9, 3, 64, 49152, True),
    "smollm2-1.7b": (24, 2048, 8192, 32, 32, 64, 49152, True),
    "llama-2-7b": (32, 4096, 11008, 32, 32, 128, 32000, False),
    "llama-3.1-8b": (32, 4096, 14336, 32, 8, 128, 128256, False),
    "mistral-small-24b-2501": (40, 5120, 32768, 32, 8, 128, 131072, False),
}

CASES = [
    # model, dtype, batch, tokens, attention, checkpoint, rank, targets
    ("tinyllama-1.1b", "float32", 2, 512, "sdpa", 1, 0, ""),
    ("tinyllama-1.1b", "bfloat16", 2, 512, "sdpa", 0, 0, ""),
    ("tinyllama-1.1b", "float32", 4, 2048, "sdpa", 1, 0, ""),
    ("tinyllama-1.1b", "bfloat16", 8, 2048, "sdpa", 0, 0, ""),
    ("tinyllama-1.1b", "bfloat16", 2, 2048, "eager", 0, 0, ""),
    ("tinyllama-1.1b", "bfloat16", 2, 2048, "eager", 1, 0, ""),
    ("llama-3.2-1b", "float32", 1, 512, "sdpa", 0, 0, ""),
    ("llama-3.2-1b", "bfloat16", 1, 4096, "sdpa", 1, 0, ""),
    ("llama-3.2-1b", "bfloat16", 1, 4096, "eager", 0, 0, ""),
    ("llama-3.2-1b", "float32", 2, 1024, "sdpa", 0, 16, "qkvo"),
    ("llama-3.2-1b", "bfloat16", 2, 1024, "sdpa", 1, 16, "qkvogud"),
    ("smollm2-135m", "float32", 8, 512, "sdpa", 0, 0, ""),
    ("smollm2-135m", "float32", 8, 512, "eager", 1, 0, ""),
    ("smollm2-135m", "float32", 1, 512, "sdpa", 0, 0, ""),
    ("smollm2-135m", "bfloat16", 8, 512, "sdpa", 0, 0, ""),
    ("smollm2-135m", "float32", 2, 4096, "eager", 0, 8, "qv"),
    ("smollm2-135m", "float32", 2, 4096, "eager", 1, 0, ""),
    ("smollm2-1.7b", "bfloat16", 4, 1024, "sdpa", 0, 0, ""),
    ("smollm2-1.7b", "float32", 1, 2048, "eager", 0, 0, ""),
    ("llama-2-7b", "bfloat16", 1, 2048, "sdpa", 1, 0, ""),
    ("llama-2-7b", "bfloat16", 1, 2048, "sdpa", 0, 0, ""),
    ("llama-2-7b", "float32", 1, 4096, "eager", 0, 0, ""),
    ("llama-2-7b", "bfloat16", 4, 2048, "sdpa", 0, 8, "qv"),
    ("llama-2-7b", "bfloat16", 4, 4096, "sdpa", 1, 64, "qkvogud"),
    ("llama-3.1-8b", "bfloat16", 1, 8192, "sdpa", 1, 0, ""),
    ("llama-3.1-8b", "bfloat16", 2, 4096, "eager", 1, 16, "qkvo"),
    ("llama-3.1-8b", "bfloat16", 8, 1024, "sdpa", 0, 16, "gud"),
    ("mistral-small-24b-2501", "bfloat16", 1, 1024, "sdpa", 0, 0, ""),
    ("mistral-small-24b-2501", "bfloat16", 2, 2048, "sdpa", 1, 32, "qv"),
]


def main():
    found = []
    for model, dtype, batch, tokens, attention, check, rank, targets in CASES:
        names = ("layers", "hidden", "ffn", "heads", "kv_heads", "head_dim", "vocab", "tied")
        c = dict(zip(names, SHAPES[model]), dtype=dtype, batch=batch, tokens=tokens, attention=attention)
        c.update(checkpoint=check, rank=rank, targets=targets)
        peaks = measure(c)
        phase = max(peaks, key=peaks.get)
        found.append(
            {"model": model, "dtype": dtype, "batch": batch, "tokens": tokens, "attention": attention}
            | {"checkpoint": bool(check), "rank": rank, "targets": targets, "peaks": peaks, "phase": phase}
        )
    text = "[\n" + ",\n".join("  " + json.dumps(one) for one in found) + "\n]\n"
    (Path(__file__).parent / "torch-steps.json").write_text(text)


main()
