#!/usr/bin/env python3
"""OpenVINO's scaled dot product attention as a variant: exec:python3 suites/exec/openvino_attention.py

Needs openvino and numpy from PyPI. Prompts only; keys and values are expanded to all heads ahead.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from headroom_worker import Prepared, Unsupported, copies_of, serve  # noqa: E402


def prepare(order, problem):
    if order["workload"] != "attention-prefill" or problem["mask"] not in ("causal", "full"):
        raise Unsupported("it knows prompts with causal and full masks only")
    if problem.get("rope", "none") != "none":
        raise Unsupported("it turns nothing")
    try:
        import numpy as np
        import openvino as ov
        from openvino import opset13 as op
    except ImportError as missing:
        raise Unsupported(f"{missing} for {sys.executable}")
    kinds = dict(
        fp32=(np.float32, ov.Type.f32, "f32"), fp16=(np.float16, ov.Type.f16, "f16"),
        bf16=(np.float32, ov.Type.f32, "bf16"))
    kind, element, inference = kinds[problem["precision"]]
    shape = [problem["batch"], problem["heads"], problem["tokens"], problem["headDim"]]
    inputs = [op.parameter(shape, element) for _ in range(3)]
    result = op.scaled_dot_product_attention(*inputs, causal=problem["mask"] == "causal")
    core = ov.Core()
    model = core.compile_model(
        ov.Model([result], inputs), "CPU",
        {"INFERENCE_NUM_THREADS": order["threads"], "NUM_STREAMS": 1,
         "INFERENCE_PRECISION_HINT": inference})
    random = np.random.default_rng(order["seed"] % 2**32)
    requests = []
    for _ in range(copies_of(order, 4 * int(np.prod(shape)) * np.dtype(kind).itemsize)):
        request = model.create_infer_request()
        for index in range(3):
            numbers = (random.random(shape, dtype=np.float32) * 2 - 1).astype(kind)
            request.set_input_tensor(index, ov.Tensor(numbers))
        requests.append(request)

    def call(index):
        requests[index].infer()

    return Prepared(call, len(requests), f"OpenVINO {ov.get_version().split('-')[0]} SDPA")


serve(prepare)
