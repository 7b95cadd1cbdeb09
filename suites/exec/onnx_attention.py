#!/usr/bin/env python3
"""ONNX Runtime's GroupQueryAttention as a variant: exec:python3 suites/exec/onnx_attention.py

Needs onnx, onnxruntime and numpy from PyPI. Keys and values of the past lie in the buffers that the
new ones are written to, so that nothing is copied.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402


def prepare(order, problem):
    is_prompt = order["workload"] == "attention-prefill"
    if not is_prompt and order["workload"] != "attention-decode":
        raise Unsupported("it knows attention only")
    precision = problem["precision"] if is_prompt else problem["cacheTypeK"]
    if precision not in ("fp32", "fp16") or problem["mask"] != "causal":
        raise Unsupported("it knows fp32 and fp16, and causal masks")
    if problem.get("rope", "none") != "none":
        raise Unsupported("it turns nothing")
    if not is_prompt and (
            problem["cacheTypeV"] != precision or problem["kvCache"] == "off"
            or problem["lengths"] != "same"):
        raise Unsupported("it knows caches of one type, and contexts of one length")
    try:
        import numpy as np
        import onnxruntime as runtime
        from onnx import TensorProto, helper
    except ImportError as missing:
        raise Unsupported(f"{missing} for {sys.executable}")
    kind, element = dict(
        fp32=(np.float32, TensorProto.FLOAT), fp16=(np.float16, TensorProto.FLOAT16))[precision]
    batch, heads, kv_heads = problem["batch"], problem["heads"], problem["kvHeads"]
    depth = problem["headDim"]
    new = problem["tokens"] if is_prompt else problem["newTokens"]
    room = new if is_prompt else problem["context"] + new

    def value(name, *shape, of=element):
        return helper.make_tensor_value_info(name, of, shape)

    node = helper.make_node(
        "GroupQueryAttention", ["q", "k", "v", "past_k", "past_v", "last", "total"],
        ["y", "all_k", "all_v"], domain="com.microsoft", num_heads=heads, kv_num_heads=kv_heads)
    past = (batch, kv_heads, room, depth)
    graph = helper.make_graph(
        [node], "attention",
        [value("q", batch, new, heads * depth), value("k", batch, new, kv_heads * depth),
         value("v", batch, new, kv_heads * depth), value("past_k", *past), value("past_v", *past),
         value("last", batch, of=TensorProto.INT32), value("total", of=TensorProto.INT32)],
        [value("y", batch, new, heads * depth), value("all_k", *past), value("all_v", *past)])
    model = helper.make_model(
        graph, opset_imports=[
            helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 10
    options = runtime.SessionOptions()
    options.intra_op_num_threads = order["threads"]
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(order["seed"] % 2**32)

    def filled(*shape):
        numbers = random.random(shape, dtype=np.float32) * 2 - 1
        return runtime.OrtValue.ortvalue_from_numpy(numbers.astype(kind))

    def ints(values):
        return runtime.OrtValue.ortvalue_from_numpy(np.array(values, np.int32))

    bytes_of_a_call = 2 * batch * kv_heads * room * depth * np.dtype(kind).itemsize
    bindings = []
    for _ in range(copies_of(order, bytes_of_a_call)):
        keys, values = filled(*past), filled(*past)
        binding = session.io_binding()
        for name, held in dict(
                q=filled(batch, new, heads * depth), k=filled(batch, new, kv_heads * depth),
                v=filled(batch, new, kv_heads * depth), past_k=keys, past_v=values,
                last=ints([room - 1] * batch), total=ints(room)).items():
            binding.bind_ortvalue_input(name, held)
        result = filled(batch, new, heads * depth)
        for name, held in dict(y=result, all_k=keys, all_v=values).items():
            binding.bind_ortvalue_output(name, held)
        bindings.append(binding)

    def call(index):
        session.run_with_iobinding(bindings[index])

    return Prepared(call, len(bindings), f"ONNX Runtime {runtime.__version__} GQA")


serve(prepare)
