"""What the scripts beside this have in common: numbers that Swift draws alike, and golden files."""

import base64
import json
import sys
from importlib.metadata import version

import numpy as np
import torch

# What `plain_types` gives back.
FLOAT32, FLOAT, TO_FLOAT = torch.float32, torch.float, torch.Tensor.float

# One thread, so that sums are taken in the same order on every machine.
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
# transformers computes norms, angles and rotations in what it calls float32, whatever the model is in.
# Here that is fp64, too: nothing is rounded on the way.
torch.float32 = torch.float = torch.float64
torch.Tensor.float = torch.Tensor.double


def plain_types():
    """Takes fp64 for fp32 back, for what is about fp32 itself."""
    torch.set_default_dtype(FLOAT32)
    torch.float32, torch.float, torch.Tensor.float = FLOAT32, FLOAT, TO_FLOAT


# Golden numbers have nine digits, and two versions of a library may sum in another order: fresh numbers
# may differ from golden ones by this share of the largest of their list.
TOLERANCE = 2e-9
# The same of arrays of fp32; and codes of a byte may be off by one where a number lies between two of them:
# this share of an array's.
TOLERANCE_FP32, FLIPPED_CODES = 1e-6, 1e-3


def hash32(seed, index):
    """`hash32` of Sources/Kernels/Hash.swift: the finalizer of MurmurHash3 over a seed and an index."""
    bits = np.asarray(index, dtype=np.uint64) * 0x9E3779B9 + np.uint64(seed)
    bits &= 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        bits = ((bits ^ (bits >> shift)) * factor) & 0xFFFFFFFF
    return bits


def dyadic(seed, count):
    """−7.5, −6.5 … 7.5, drawn by a hash: times a power of two they are exact in fp32, fp16 and bf16."""
    return (hash32(seed, np.arange(count)) >> 28).astype(np.float64) - 7.5


def tensor(seed, scale, *shape):
    """Such numbers as a tensor of fp64."""
    return torch.from_numpy(scale * dyadic(seed, int(np.prod(shape))).reshape(shape))


def numbers(values):
    """Nine digits of each."""
    return [float(f"{value:.9g}") for value in torch.as_tensor(values).flatten().tolist()]


# What arrays are kept as.
KINDS = {"f64": "<f8", "f32": "<f4", "u8": "u1"}


def array(values):
    """Every bit of an array: its shape, and base64 of its little-endian fp64, fp32 or bytes, row-major."""
    values = np.asarray(values.detach() if isinstance(values, torch.Tensor) else values)
    kind = next(kind for kind, stored in KINDS.items() if values.dtype == np.dtype(stored).newbyteorder("="))
    return {"shape": list(values.shape), kind: base64.b64encode(values.astype(KINDS[kind]).tobytes()).decode()}


# transformers' names for the scalings of rotary embeddings.
SCALINGS = {
    "none": {"rope_type": "default"},
    "linear(4)": {"rope_type": "linear", "factor": 4.0},
    "yarn(4)": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096},
    "llama3(8)": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192},
}


def rope_options(scaling, base):
    """Of a configuration, with as many positions as the scaling brings."""
    parameters = {"rope_theta": float(base)} | SCALINGS[scaling]
    positions = parameters.get("original_max_position_embeddings", 4096)
    return {
        "rope_parameters": parameters,
        "max_position_embeddings": int(positions * parameters.get("factor", 1))}


def write_or_check(cases, packages):
    """Prints the golden file, or holds fresh cases against the one that --check names."""
    fresh = {"versions": {name: version(name).split("+")[0] for name in packages}, "cases": cases}
    if sys.argv[1:2] == ["--check"] and len(sys.argv) == 3:
        with open(sys.argv[2]) as file:
            golden = json.load(file)
        difference = first_difference(golden["cases"], fresh["cases"], "cases")
        if difference:
            sys.exit(f"{sys.argv[2]} is not what {sys.argv[0]} finds: {difference}")
        print(f"{sys.argv[2]} is what {sys.argv[0]} finds, to {TOLERANCE:g} of the largest of each list")
    elif len(sys.argv) == 1:
        # A line for each case's each entry, so that a change is seen where it is.
        lines = json.dumps(fresh, separators=(",", ":")).replace("},{", "},\n{")
        print(lines.replace(',"', ',\n"'))
    else:
        sys.exit(f"usage: {sys.argv[0]} [--check GOLDEN.json]")


def first_difference(golden, fresh, place):
    """The first difference, as words; None where there is none."""
    if is_array(golden) and is_array(fresh) and golden.keys() == fresh.keys():
        return array_difference(golden, fresh, place)
    if isinstance(golden, dict) and isinstance(fresh, dict) and golden.keys() == fresh.keys():
        return next(filter(None, (first_difference(golden[key], fresh[key], f"{place}.{key}")
                                  for key in golden)), None)
    if isinstance(golden, list) and isinstance(fresh, list) and len(golden) == len(fresh):
        if not all(isinstance(value, (int, float)) for value in golden + fresh):
            return next(filter(None, (
                first_difference(one, other, f"{place}[{index}]")
                for index, (one, other) in enumerate(zip(golden, fresh)))), None)
        largest = max(map(abs, golden), default=0)
        for index, (one, other) in enumerate(zip(golden, fresh)):
            if not abs(one - other) <= TOLERANCE * largest:
                return f"{place}[{index}] is {other:.9g}, and there it is {one:.9g}"
        return None
    if isinstance(golden, float) and isinstance(fresh, float):
        return first_difference([golden], [fresh], place)
    return None if golden == fresh else f"{place} is {fresh}, and there it is {golden}"


def is_array(value):
    return isinstance(value, dict) and "shape" in value and bool(value.keys() & KINDS.keys())


def array_difference(golden, fresh, place):
    if golden["shape"] != fresh["shape"]:
        return f"{place} is {fresh['shape']}, and there it is {golden['shape']}"
    kind = next(kind for kind in KINDS if kind in golden)
    one, other = (np.frombuffer(base64.b64decode(each[kind]), KINDS[kind]).astype(np.float64)
                  for each in (golden, fresh))
    apart = np.abs(one - other)
    if kind == "u8":
        off = np.count_nonzero(apart)
        if off > FLIPPED_CODES * len(one) or apart.max(initial=0) > 1:
            return f"{place} has {off} other codes, up to {int(apart.max())} apart"
    elif not (apart <= {"f64": TOLERANCE, "f32": TOLERANCE_FP32}[kind] * np.abs(one).max(initial=0)).all():
        return f"{place} is up to {apart.max():.9g} off, and the largest there is {np.abs(one).max():.9g}"
    return None
