"""Numbers and bytes of a block of each type of GGUF, as the `gguf` package has them: `ggml-sizes.json`, beside it.

    python3 ggml_sizes.py

A file of each type is written, too, with one tensor of 4 rows of 512 numbers, and the tensor's bytes in it are told.
"""

import json
import tempfile
from pathlib import Path

import gguf
import numpy

found = {}
for kind, (numbers, size) in gguf.GGML_QUANT_SIZES.items():
    name = kind.name.lower()
    if name[0] == "i" and name[1].isdigit() or name in ("f64",) or name.startswith("q8_1") or name == "q8_k":
        continue
    rows, columns = 4, 512
    path = Path(tempfile.mkdtemp()) / "one.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    data = numpy.zeros((rows, columns // numbers * size), dtype=numpy.uint8)
    writer.add_tensor("one", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensor = gguf.GGUFReader(path).tensors[0]
    found[name] = {"numbers": numbers, "bytes": size, "rows": rows, "columns": columns, "tensor": int(tensor.n_bytes)}
(Path(__file__).parent / "ggml-sizes.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
