"""ggml's functions, from the libraries of PyPI's llama-cpp-python, for the scripts beside."""
import ctypes as C
import glob
import os
import sys

from headroom_worker import Unsupported

# ggml.h's enum ggml_type.
TYPES = {
    "fp32": 0, "fp16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_k": 10,
    "q3_k": 11, "q4_k": 12, "q5_k": 13, "q6_k": 14, "iq4_nl": 20, "bf16": 30}


class InitParams(C.Structure):
    _fields_ = [("mem_size", C.c_size_t), ("mem_buffer", C.c_void_p), ("no_alloc", C.c_bool)]


class Ggml:
    def __init__(self):
        # Found without importing it: the module itself starts more than is needed here.
        import importlib.util
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None:
            raise Unsupported("llama-cpp-python is not installed for " + sys.executable)
        folder = os.path.join(os.path.dirname(spec.origin), "lib")
        self.libraries = [
            C.CDLL(path, mode=C.RTLD_GLOBAL)
            for name in ("libggml-base", "libggml-cpu", "libggml")
            for path in glob.glob(os.path.join(folder, name + ".so"))]
        p, i64, size = C.c_void_p, C.c_int64, C.c_size_t
        for name, (result, *arguments) in {
                "ggml_init": (p, InitParams), "ggml_new_graph": (p, p),
                "ggml_new_tensor_2d": (p, p, C.c_int, i64, i64), "ggml_mul_mat": (p, p, p, p),
                "ggml_new_tensor_4d": (p, p, C.c_int, i64, i64, i64, i64),
                "ggml_flash_attn_ext": (p, p, p, p, p, p, C.c_float, C.c_float, C.c_float),
                "ggml_build_forward_expand": (None, p, p), "ggml_nbytes": (size, p),
                "ggml_row_size": (size, C.c_int, i64), "ggml_tensor_overhead": (size,),
                "ggml_graph_overhead": (size,), "ggml_version": (C.c_char_p,),
                "ggml_quantize_chunk": (size, C.c_int, p, p, i64, i64, i64, p),
                "ggml_backend_cpu_init": (p,), "ggml_backend_cpu_set_n_threads": (None, p, C.c_int),
                "ggml_backend_cpu_reg": (p,), "ggml_backend_get_device": (p, p),
                "ggml_backend_reg_get_proc_address": (p, p, C.c_char_p),
                "ggml_backend_buft_name": (C.c_char_p, p),
                "ggml_backend_alloc_ctx_tensors": (p, p, p),
                "ggml_backend_alloc_ctx_tensors_from_buft": (p, p, p),
                "ggml_backend_tensor_set": (None, p, p, size, size),
                "ggml_backend_tensor_get": (None, p, p, size, size),
                "ggml_backend_graph_compute": (C.c_int, p, p)}.items():
            holders = [one for one in self.libraries if hasattr(one, name)]
            if not holders:
                raise Unsupported(f"this ggml has no function {name}")
            function = getattr(holders[0], name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name[5:], function)
        self.backend = self.backend_cpu_init()

    def context(self, tensors):
        return self.init(InitParams(
            tensors * (self.tensor_overhead() + self.graph_overhead()), None, True))

    def repacking_buffer(self):
        address = self.backend_reg_get_proc_address(
            self.backend_cpu_reg(), b"ggml_backend_dev_get_extra_bufts")
        if not address:
            return None
        types = C.CFUNCTYPE(C.POINTER(C.c_void_p), C.c_void_p)(address)(
            self.backend_get_device(self.backend))
        index = 0
        while types and types[index]:
            if b"REPACK" in self.backend_buft_name(types[index]):
                return types[index]
            index += 1
        return None
