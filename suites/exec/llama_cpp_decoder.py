#!/usr/bin/env python3
"""llama.cpp running a whole model as a variant: exec:python3 suites/exec/llama_cpp_decoder.py

Needs numpy, gguf and llama-cpp-python from PyPI. A model of the case's shape with made-up weights is
written to the user's cache folder (`$XDG_CACHE_HOME/headroom/models`, else `~/.cache/…`), once for each
shape and format; it is mapped, so that its pages are shared with the page cache. Such a file is as large
as the model: what was written, and how to remove it, is said once on standard error. The argument `--no-flash` leaves flash attention out.
"""
import ctypes as C
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, serve  # noqa: E402

FORMATS = {"fp32": "F32", "fp16": "F16", "bf16": "BF16", "q8_0": "Q8_0", "q4_0": "Q4_0"}
CACHE = {"fp32": "F32", "fp16": "F16", "bf16": "BF16", "q8_0": "Q8_0", "q4_0": "Q4_0"}


def model_file(problem):
    """The path of a model of this shape; made where it is not there yet."""
    import gguf
    import numpy as np

    axes = ("layers", "hidden", "ffn", "heads", "kvHeads", "headDim", "vocab", "tied", "format")
    name = "headroom-" + "-".join(str(problem[axis]) for axis in axes) + ".gguf"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(cache, "headroom", "models")
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    part = f"{path}.{os.getpid()}.part"
    print(f"a model is written to {path}; remove all of them with: rm -r {folder}", file=sys.stderr)
    kind = gguf.GGMLQuantizationType[FORMATS[problem["format"]]]
    hidden, ffn, depth = problem["hidden"], problem["ffn"], problem["headDim"]
    queries, keys = problem["heads"] * depth, problem["kvHeads"] * depth
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_block_count(problem["layers"])
    writer.add_context_length(1 << 17)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(problem["heads"])
    writer.add_head_count_kv(problem["kvHeads"])
    writer.add_key_length(depth)
    writer.add_value_length(depth)
    writer.add_rope_dimension_count(depth)
    writer.add_rope_freq_base(float(problem["ropeBase"]))
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(problem["vocab"])
    writer.add_tokenizer_model("no_vocab")
    known = {}

    def matrix(name, rows, columns):
        # Rows repeat: made-up weights need not all be different, and writing them takes long enough.
        if columns not in known:
            few = random.standard_normal((61, columns), dtype=np.float32) * 0.02
            known[columns] = gguf.quants.quantize(few, kind)
        few = known[columns]
        data = np.tile(few, (-(-rows // 61), 1))[:rows]
        writer.add_tensor(name, data, raw_dtype=kind)

    def gain(name):
        writer.add_tensor(name, np.ones(hidden, dtype=np.float32))

    matrix("token_embd.weight", problem["vocab"], hidden)
    gain("output_norm.weight")
    if problem["tied"] == "no":
        matrix("output.weight", problem["vocab"], hidden)
    for layer in range(problem["layers"]):
        block = f"blk.{layer}."
        gain(block + "attn_norm.weight")
        gain(block + "ffn_norm.weight")
        matrix(block + "attn_q.weight", queries, hidden)
        matrix(block + "attn_k.weight", keys, hidden)
        matrix(block + "attn_v.weight", keys, hidden)
        matrix(block + "attn_output.weight", hidden, queries)
        matrix(block + "ffn_gate.weight", ffn, hidden)
        matrix(block + "ffn_up.weight", ffn, hidden)
        matrix(block + "ffn_down.weight", hidden, ffn)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)
    return path


def prepare(order, problem):
    if order["workload"] != "decoder" or problem["mlp"] != "swiglu" or problem["batch"] != 1:
        raise Unsupported("it knows decoders with swiglu and one sequence only")
    if problem["format"] not in FORMATS or problem["kvCache"] == "off":
        raise Unsupported("it knows fp32, fp16, bf16, q8_0 and q4_0, with a cache")
    if problem["rope"] == "none" or problem["ropeScaling"] != "none" or order["cache"] == "cold":
        raise Unsupported("it turns queries and keys unscaled, and is not kept cold")
    try:
        import gguf
        import llama_cpp as llama
    except ImportError as missing:
        raise Unsupported(f"{missing} for {sys.executable}")
    path = model_file(problem)
    llama.llama_log_set(C.cast(None, llama.llama_log_callback), None)
    llama.llama_backend_init()
    options = llama.llama_model_default_params()
    options.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(path.encode(), options)
    depth = problem["depth"]
    prompt = 0 if problem["phase"] == "decode" else problem["prompt"]
    tokens = 0 if problem["phase"] == "prefill" else problem["tokens"]
    settings = llama.llama_context_default_params()
    settings.n_ctx = depth + prompt + tokens + 8
    settings.n_batch = max(prompt, depth, 512)
    settings.n_ubatch = 512
    settings.n_threads = settings.n_threads_batch = order["threads"]
    settings.type_k = gguf.GGMLQuantizationType[CACHE[problem["cacheTypeK"]]].value
    settings.type_v = gguf.GGMLQuantizationType[CACHE[problem["cacheTypeV"]]].value
    is_flash = "--no-flash" not in sys.argv
    settings.flash_attn_type = 1 if is_flash else 0
    settings.no_perf = True
    context = llama.llama_init_from_model(model, settings)
    if not context:
        raise Unsupported("llama.cpp makes no such context")
    memory = llama.llama_get_memory(context)

    def given(count):
        return (C.c_int32 * max(1, count))(*[i * 7919 % problem["vocab"] for i in range(count)])

    def decode(ids, count):
        status = llama.llama_decode(context, llama.llama_batch_get_one(ids, count))
        if status != 0:
            raise RuntimeError(f"llama_decode says {status}")

    if depth:
        decode(given(depth), depth)
    first, one = given(prompt), [given(index + 1)[-1:] for index in range(tokens)]
    singles = [(C.c_int32 * 1)(*ids) for ids in one]

    def call(_):
        # What a call before this one has left is not there.
        llama.llama_memory_seq_rm(memory, 0, depth, -1)
        if prompt:
            decode(first, prompt)
        for single in singles:
            decode(single, 1)

    flash = "with" if is_flash else "without"
    return Prepared(call, 1, f"llama.cpp of {llama.__version__}, {flash} flash attention")


serve(prepare)
