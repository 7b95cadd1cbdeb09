#!/usr/bin/env python3
"""Holds the program against other implementations, and runs what the pages show that takes minutes.

    make witness                                   all of it
    python3 Tests/Witness/witness.py goldens       one part: goldens, libraries, workers, training, pages

Installs what it needs: Debian's packages (with sudo, where it is not root) and, in a virtual environment outside
the tree ($HEADROOM_WITNESS, else ~/.cache/headroom/witness), those of requirements.txt. Whatever cannot be
installed, found or run is a failure: nothing is left out in silence.

  goldens     each script that made a golden file makes it again: the same bytes, or what the script itself
              takes for the same
  libraries   OpenBLAS, oneMKL and oneDNN take part in a sweep
  workers     each script in suites/exec takes part in a sweep
  training    training steps that were dumped are computed again by PyTorch
  pages       the commands that README.md, CONTRIBUTING.md and docs show
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VENV = os.environ.get("HEADROOM_WITNESS") or os.path.expanduser("~/.cache/headroom/witness")
HEADROOM = f"{ROOT}/.build/release/headroom"
PACKAGES = {  # Debian's, each with a file that shows that it is there.
    "libopenblas0-pthread": "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
    "sqlite3": "/usr/bin/sqlite3", "cmake": "/usr/bin/cmake", "ninja-build": "/usr/bin/ninja",
    "g++": "/usr/bin/g++", "python3-venv": "/usr/lib/python3/dist-packages/../../python3.11/venv"}
# Goldens that stand in a test's text: each number that the script prints must be found there.
IN_TEXT = {
    "Tests/KernelsTests/Quantization/Golden/awq.py": "Tests/KernelsTests/Quantization/AWQTests.swift",
    "Tests/WorkloadsTests/Attention/rope-golden.py": "Tests/WorkloadsTests/Attention/RotaryEmbeddingTests.swift"}
PREFILL = "attention-prefill -a heads=8 -a kv-heads=2 -a head-dim=64 -a tokens=64"
DECODE = "attention-decode -a heads=8 -a kv-heads=2 -a head-dim=64 -a context=256 -a cache-type=fp32"
TRAINING = ("training-step -a layers=1 -a hidden=64 -a ffn=96 -a heads=2 -a kv-heads=2 -a head-dim=32 -a vocab=128"
            " -a tokens=16")
WORKERS = {  # A small case for each script.
    "numpy_matmul.py": "matmul -a m=4 -a n=256 -a k=256",
    "llama_cpp_matmul.py": "quantized-matmul -a m=4 -a n=256 -a k=256 -a format=q4_0",
    "llama_cpp_attention.py": DECODE,
    "llama_cpp_decoder.py": "decoder -a hidden=256 -a ffn=512 -a heads=4 -a kv-heads=2 -a head-dim=64 -a layers=2"
                            " -a vocab=512 -a format=q8_0 -a phase=decode -a tokens=1 -a depth=16",
    "torch_attention.py": PREFILL, "torch_attention.py --gqa": PREFILL, "torch_attention.py --grouped": DECODE,
    "onnx_attention.py": DECODE, "openvino_attention.py": PREFILL,
    "torch_training.py": f"{TRAINING} -a adapter=none,lora(8) -a checkpointing=none,block",
    "torch_training.py --compile": TRAINING}

failures = []


def fail(words):
    print(f"  FAILED: {words}", flush=True)
    failures.append(words)


def install():
    missing = [name for name, file in PACKAGES.items() if not os.path.exists(file)]
    if missing:
        sudo = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run([*sudo, "apt-get", "update", "-q"], check=True)
        subprocess.run([*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], check=True)
    if not os.path.exists(f"{VENV}/bin/python"):
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    # llama.cpp is compiled, for this processor: some ten minutes on two cores.
    os.environ["CMAKE_ARGS"] = "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_COMMON=OFF"
    subprocess.run(
        [f"{VENV}/bin/pip", "install", "-q", "--disable-pip-version-check", "-r", f"{HERE}/requirements.txt"], check=True)
    os.environ["PATH"] = f"{VENV}/bin:" + os.environ["PATH"]
    for name, pattern in (("MKL", "libmkl_rt.so*"), ("ONEDNN", "libdnnl.so*")):
        found = sorted(glob.glob(f"{VENV}/lib/{pattern}"))
        if found:
            os.environ[f"HEADROOM_{name}"] = found[0]


def output(*command):
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode != 0:
        fail(f"{' '.join(command)}: exit code {run.returncode}\n{(run.stdout + run.stderr)[-3000:]}")
        return None
    return run.stdout


def goldens():
    """Made in a copy of the folder, so that the tree stays as it is."""
    for script in sorted(glob.glob("Tests/*/**/*.py", root_dir=ROOT, recursive=True)):
        text = open(f"{ROOT}/{script}").read()
        if script in IN_TEXT:
            test = open(f"{ROOT}/{IN_TEXT[script]}").read().replace("_", "")
            printed = output(f"{VENV}/bin/python", script) or ""
            numbers = re.findall(r"0x[0-9a-f]+|\d+\.\d+(?:e-?\d+)?", printed)
            lost = [number for number in numbers if number not in test]
            if lost or not numbers:
                fail(f"{IN_TEXT[script]} lacks {len(lost)} of {len(numbers)} numbers that {script} prints: {lost[:4]}")
        elif "write_or_check(" in text and "def write_or_check" not in text:
            output(f"{VENV}/bin/python", script, "--check", script.replace(".py", ".json"))
        elif "/Golden/" in script and "beside it" in text:
            folder = os.path.dirname(f"{ROOT}/{script}")
            copy = f"{VENV}/golden"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder, copy)
            before = {file: open(file, "rb").read() for file in glob.glob(f"{copy}/*.json")}
            run = subprocess.run(
                [f"{VENV}/bin/python", f"{copy}/{os.path.basename(script)}"], cwd=ROOT, capture_output=True, text=True)
            if run.returncode != 0:
                fail(f"{script}: exit code {run.returncode}\n{run.stderr[-3000:]}")
            for file in glob.glob(f"{copy}/*.json"):
                if before.get(file) != open(file, "rb").read():
                    fail(f"{script} makes another {os.path.basename(file)} than the one that is kept")
        else:
            continue
        print(f"  {script}", flush=True)


def training():
    """Settings that must change no gradient, each step of each computed again in fp64."""
    folder = f"{VENV}/steps"
    shutil.rmtree(folder, ignore_errors=True)
    for shape in ("kv-heads=2 -a head-dim=16 -a tied=no", "kv-heads=4 -a head-dim=16 -a tied=yes"):
        case = f"layers=3 -a hidden=64 -a ffn=96 -a heads=4 -a {shape} -a vocab=128 -a tokens=33 -a batch=2"
        settings = ["checkpointing=none,pointwise,block,sqrt,budget(6MiB)", "loss=whole,tokens(20),vocabulary(50)",
                    "optimizer=adamw,sgd,momentum", "accumulation=1,2", "clip=none,norm(1)"]
        command = [HEADROOM, "sweep", "--workload", "training-step", "-a", *case.split()]
        for setting in settings:
            command += ["-a", setting]
        adapters = ["adapter=lora(4),prefix(3),ia3", "targets=all,q+v", "checkpointing=none,block"]
        for settings in (command, [*command[:-2 * len(settings)], *(w for a in adapters for w in ("-a", a))]):
            output(*settings, "--budget", "10ms", "--dump", folder, "--dump-steps", "4", "-o", f"{VENV}/steps.jsonl",
                   "--replace")
    told = output(f"{VENV}/bin/python", "Tests/Witness/training_step.py", folder)
    if told is not None:
        print(f"  {len(told.splitlines())} training steps", flush=True)


def takes_part(name, case, variant):
    """Whether a variant was checked and timed in one small case."""
    file = f"{VENV}/{re.sub('[^a-z0-9]+', '-', name.lower())}.jsonl"
    command = [HEADROOM, "sweep", "--workload", *case.split(), "-a", f"variant={variant}", "--budget", "200ms",
               "-o", file, "--replace"]
    if output(*command) is None:
        return
    records = [json.loads(line) for line in open(file)][1:]
    if not records:
        return fail(f"{name}: nothing ran")
    for record in records:
        if record["outcome"]["name"] != "ok":
            fail(f"{name}: {record['outcome']}")
    print(f"  {name}: {records[0].get('library')}", flush=True)


def libraries():
    for name in ("openblas", "mkl", "onednn"):
        takes_part(name, "matmul -a m=4 -a n=256 -a k=256", name)


def workers():
    known = {os.path.basename(file) for file in glob.glob(f"{ROOT}/suites/exec/*.py")}
    helpers = {"headroom_worker.py", "ggml.py"}
    for script in sorted(known - helpers - {name.split()[0] for name in WORKERS}):
        fail(f"suites/exec/{script} has no case in {os.path.basename(__file__)}")
    for name, case in WORKERS.items():
        takes_part(name, case, f"exec:python3 suites/exec/{name}")


def pages():
    # Sweeps as the pages have them, with less time for each case.
    os.environ["HEADROOM_BUDGET"] = "100ms"
    run = subprocess.run(
        [sys.executable, f"{HERE}/commands.py", "all", "README.md", "CONTRIBUTING.md", "suites/exec/README.md",
         *sorted(glob.glob("docs/*.md", root_dir=ROOT))], cwd=ROOT)
    if run.returncode != 0:
        fail("the pages' commands")


def main(parts):
    known = dict(goldens=goldens, libraries=libraries, workers=workers, training=training, pages=pages)
    if not set(parts) <= set(known):
        sys.exit(__doc__)
    if not os.path.exists(HEADROOM):
        sys.exit("error: the program is not built\n  fix: make build")
    os.chdir(ROOT)
    install()
    for name, part in known.items():
        if not parts or name in parts:
            print(f"{name}:", flush=True)
            part()
    print(f"{len(failures)} failed" if failures else "all agree")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
