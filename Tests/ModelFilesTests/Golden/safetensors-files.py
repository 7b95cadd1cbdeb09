#!/usr/bin/env python3
"""Files as the reference implementation of safetensors writes them, and which damaged ones it still reads.

    pip install -r Tests/Witness/requirements.txt
    python3 Tests/ModelFilesTests/Golden/safetensors-files.py > Tests/ModelFilesTests/Golden/safetensors-files.json
    python3 Tests/ModelFilesTests/Golden/safetensors-files.py --check Tests/ModelFilesTests/Golden/safetensors-files.json

`written` are files of tensors, each with its type, shape and bytes, in another order than that of the file. Their
`values`, where they are given, are those of numpy, and of torch for bfloat16. No file has more than one key of
metadata: the reference implementation writes several in no certain order.

`read` are files that were put together by hand, and whether the reference implementation reads each.
"""

import base64
import ctypes
import pathlib
import struct
import sys

# What is imported from beside the script leaves nothing there.
sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "WorkloadsTests/Golden"))

import golden
import numpy as np
import safetensors
import torch

# The header's names, and those of `TensorSpec`.
TYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz", "I16": "int16",
    "U16": "uint16", "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32",
    "C64": "complex64", "F64": "float64", "I64": "int64", "U64": "uint64"}
NUMPY = {
    "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "I32": "<i4", "U32": "<u4", "F32": "<f4",
    "F64": "<f8", "I64": "<i8"}


def text(data):
    return base64.b64encode(data).decode()


def tensor(name, kind, shape, values=None, data=None):
    if data is None and kind == "BF16":
        data = torch.tensor(values).to(torch.bfloat16).view(torch.uint16).numpy().tobytes()
    elif data is None:
        data = np.array(values, dtype=np.float64 if kind[0] == "F" else None).astype(NUMPY[kind]).tobytes()
    result = {"name": name, "type": kind, "shape": shape, "data": text(data)}
    if values is not None and kind == "BF16":
        result["values"] = torch.frombuffer(bytearray(data), dtype=torch.bfloat16).double().tolist() if data else []
    elif values is not None:
        result["values"] = np.frombuffer(data, NUMPY[kind]).astype(np.float64).tolist()
    return result


def written(tensors, metadata=None):
    buffers = [base64.b64decode(one["data"]) for one in tensors]
    places = [ctypes.create_string_buffer(data, max(1, len(data))) for data in buffers]
    specs = {
        one["name"]: safetensors.TensorSpec(
            dtype=TYPES[one["type"]], shape=one["shape"], data_ptr=ctypes.addressof(place), data_len=len(data))
        for one, place, data in zip(tensors, places, buffers)}
    data = bytes(safetensors.serialize(specs, metadata))
    return {"metadata": metadata or {}, "tensors": tensors, "file": text(data)}


REALS = [0.0, -0.0, 1.0, -1.5, 1 / 3, 65504.0, 6.1e-05, 5.9604645e-08, -3.3e-06, 1e-3, 2049.0, -100.25]
WRITTEN = [
    written([]),
    written([], {"format": "pt"}),
    written([tensor("x", "F32", [2, 3], [0, 1, 2, 3, 4, 5])]),
    written(
        [tensor(f"of {kind}", kind, [2, 1], data=bytes(range(2 * size))) for kind, size in
         [("U8", 1), ("U16", 2), ("U32", 4), ("U64", 8), ("I8", 1), ("I16", 2), ("I32", 4), ("I64", 8), ("F16", 2),
          ("BF16", 2), ("F32", 4), ("F64", 8), ("C64", 8), ("F8_E5M2", 1), ("F8_E4M3", 1), ("F8_E8M0", 1),
          ("F8_E4M3FNUZ", 1), ("F8_E5M2FNUZ", 1)]] + [tensor("of BOOL", "BOOL", [2, 1], data=b"\x01\x00")]),
    written(
        [tensor("b", "F16", [12], REALS), tensor("a.10", "BF16", [3, 4], REALS), tensor("a.9", "F64", [2, 6], REALS),
         tensor("a", "F32", [12], REALS), tensor("A", "F32", [1], [7])], {"format": "pt"}),
    written(
        [tensor("i", "I64", [3], [-2 ** 53, 0, 2 ** 53]), tensor("j", "I32", [2], [-2 ** 31, 2 ** 31 - 1]),
         tensor("k", "I16", [2], [-2 ** 15, 2 ** 15 - 1]), tensor("l", "I8", [2], [-128, 127]),
         tensor("m", "U8", [2], [0, 255]), tensor("n", "U16", [2], [0, 2 ** 16 - 1]),
         tensor("o", "U32", [2], [0, 2 ** 32 - 1])]),
    written(
        [tensor("", "F32", [], [2.5]), tensor("none", "F32", [0, 3], []), tensor("and none", "F16", [4, 0], []),
         tensor("größe 大きさ 😀", "F32", [1], [1]), tensor("\"\\/\b\t\n\f\r\x01\x1f\x7f\u2028", "F32", [1], [2]),
         # The one sorts before the other by code points and by UTF-8, and not by UTF-16.
         tensor("\uffee", "U8", [1], [3]), tensor("\U00010000", "U8", [1], [4])],
        {"note \"of\" \\\x02": "größe / 大きさ\n"}),
]

ONE = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'


def described(kind='"U8"', shape="[1]", offsets="[0,1]", more=""):
    return '{"a":{"dtype":%s,"shape":%s,"data_offsets":%s%s}}' % (kind, shape, offsets, more)


def placed(*ranges):
    """Tensors of bytes at such places, named by their order."""
    return "{%s}" % ",".join(
        '"%s":{"dtype":"U8","shape":[%d],"data_offsets":[%d,%d]}' % (chr(97 + index), end - begin, begin, end)
        for index, (begin, end) in enumerate(ranges))


READ = {  # The header, and how many bytes follow it.
    "nothing": ("{}", 0), "blanks behind": ("{}\r\n\t ", 0), "blanks between": ('{ "a" :\n%s }' % ONE, 1),
    "one": ('{"a":%s}' % ONE, 1), "a name with escapes": ('{"\\u00e9\\n\\ud83d\\ude00\\/":%s}' % ONE, 1),
    "an empty name": ('{"":%s}' % ONE, 1), "metadata last": ('{"a":%s,"__metadata__":{"x":""}}' % ONE, 1),
    "another field": (described(more=',"more":[{"x":[-1.5e+3,0.25,true,false,null,"\\"",{}]},[],-0]'), 1),
    "another order": (placed((2, 3), (0, 2)), 3), "none before and behind": (placed((0, 1), (0, 0), (1, 1)), 1),
    "four bits": (described('"F4"', "[2]"), 1), "six bits": (described('"F6_E2M3"', "[4]", "[0,3]"), 3),
    "no elements of much": (described(shape="[0,9223372036854775807,2]", offsets="[0,0]"), 0),
    # Read by the reference implementation alone, see the test.
    "a name twice": ('{"a":%s,"a":%s}' % (ONE, ONE), 1), "a key of metadata twice": ('{"__metadata__":{"a":"","a":""}}', 0),
    "a key of another field twice": (described(more=',"more":{"x":1,"x":1}'), 1), "blanks before": (" {}", 0),
    "names that differ in composition": ('{"\\u00e9":%s,"e\\u0301":%s}' % (ONE, ONE.replace("[0,1]", "[1,2]")), 2),
    "metadata of null": ('{"__metadata__":null}', 0), "a list as a tensor": ('{"a":["U8",[1],[0,1]]}', 1),
    "a size of 64 bits": (described(shape="[18446744073709551615,0]", offsets="[0,0]"), 0),
    # Read by none.
    "no header": ("", 0), "zeros behind": ("{}\0\0", 0), "a list": ("[]", 0), "a word": ("nonsense", 0),
    "two values": ("{}{}", 0), "an open brace": ('{"a":%s' % ONE, 1), "an open text": ('{"a', 0),
    "a comma too many": ('{"a":%s,}' % ONE, 1), "no colon": ('{"a"%s}' % ONE, 1), "single quotes": ("{'a':%s}" % ONE, 1),
    "a mark of byte order": ("\ufeff{}", 0), "a control character": ('{"\t":%s}' % ONE, 1),
    "half a pair": ('{"\\ud83d":%s}' % ONE, 1), "a pair turned round": ('{"\\ude00\\ud83d":%s}' % ONE, 1),
    "an unknown escape": ('{"\\x":%s}' % ONE, 1), "a short escape": ('{"\\u00":%s}' % ONE, 1),
    "no UTF-8": (b'{"\xff":%s}' % ONE.encode(), 1), "an overlong form": (b'{"\xc0\x80":%s}' % ONE.encode(), 1),
    "a surrogate as UTF-8": (b'{"\xed\xa0\x80":%s}' % ONE.encode(), 1),
    "deep": (described(more=',"more":%s%s' % ("[" * 200, "]" * 200)), 1), "open and deep": ("[" * 300, 0),
    "a tensor of null": ('{"a":null}', 0), "no fields": ('{"a":{}}', 0), "a field twice": (described(more=',"shape":[1]'), 1),
    "no shape": ('{"a":{"dtype":"U8","data_offsets":[0,1]}}', 1), "no type": ('{"a":{"shape":[1],"data_offsets":[0,1]}}', 1),
    "no offsets": ('{"a":{"dtype":"U8","shape":[1]}}', 1), "a type that is a number": (described("8"), 1),
    "a shape that is a number": (described(shape="1"), 1), "one offset": (described(offsets="[0]"), 1),
    "three offsets": (described(offsets="[0,1,1]"), 1), "metadata of a list": ('{"__metadata__":[]}', 0),
    "metadata of a number": ('{"__metadata__":{"a":1}}', 0), "metadata twice": ('{"__metadata__":{},"__metadata__":{}}', 0),
    "a negative size": (described(shape="[-1]"), 1), "a negative zero": (described(shape="[-0]", offsets="[0,0]"), 0),
    "a fraction": (described(shape="[1.0]"), 1), "an exponent": (described(shape="[1e0]"), 1),
    "a leading zero": (described(shape="[01]"), 1), "a hexadecimal number": (described(shape="[0x1]"), 1),
    "more than 64 bits": (described(shape="[99999999999999999999,0]", offsets="[0,0]"), 0),
    "a product over 64 bits": (described(shape="[4294967296,4294967296]", offsets="[0,0]"), 0),
    "such a product, and then nothing": (described(shape="[4294967296,4294967296,0]", offsets="[0,0]"), 0),
    "bytes over 64 bits": (described('"F64"', "[2305843009213693952]", "[0,0]"), 0),
    "too few bytes": (described(shape="[2]"), 1), "too many bytes": (described('"F16"', "[1]", "[0,3]"), 3),
    "half a byte": (described('"F4"', "[1]"), 1), "a negative offset": (described(offsets="[-1,0]"), 1),
    "the end first": (described(shape="[0]", offsets="[1,0]"), 1), "past the end": (described(shape="[2]", offsets="[0,2]"), 1),
    "far past the end": (described(shape="[9223372036854775806]", offsets="[1,9223372036854775807]"), 1),
    "an overlap": (placed((0, 2), (1, 3)), 3), "twice the same place": (placed((0, 2), (0, 2)), 2),
    "one within another": (placed((0, 3), (1, 2)), 3), "nothing within another": (placed((0, 2), (1, 1)), 2),
    "a hole": (placed((0, 1), (2, 3)), 3), "a hole at the start": (placed((1, 2)), 2), "bytes behind": ('{"a":%s}' % ONE, 2),
    "bytes behind nothing": ("{}", 1), "none behind the end": (placed((0, 1), (2, 2)), 2),
}


def read(name, header, count):
    header = header if isinstance(header, bytes) else header.encode()
    data = struct.pack("<Q", len(header)) + header + bytes(count)
    try:
        safetensors.deserialize(data)
        is_read = True
    except safetensors.SafetensorError:
        is_read = False
    return {"name": name, "file": text(data), "isRead": is_read}


golden.write_or_check(
    {"written": WRITTEN, "read": [read(name, *parts) for name, parts in READ.items()]}, ("safetensors", "numpy", "torch"))
