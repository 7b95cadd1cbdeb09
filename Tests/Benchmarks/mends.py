#!/usr/bin/env python3
"""Random settings that do not fit, the changes that `headroom fit` proposes for each, and what became of them.

    python3 Tests/Benchmarks/mends.py FOLDER [--settings 200] [--each 3] [--seed 1]

Every proposal is run for real under the limit that it was made for. Prints how many fit, and how far the ledger's
peak lies from the prediction. FOLDER keeps the suite and the run.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build/release/headroom"


def setting(draw):
    heads, dim = draw.choice([(4, 16), (8, 16), (4, 32)])
    axes = {
        "layers": draw.randint(2, 6), "hidden": heads * dim, "ffn": draw.choice([96, 160, 256]), "heads": heads,
        "kv-heads": draw.choice([heads, heads // 2]), "head-dim": dim, "vocab": draw.choice([256, 1000, 4000]),
        "batch": draw.choice([1, 2, 4, 6, 8, 16]), "tokens": draw.choice([32, 64, 128]),
        "precision": draw.choice(["fp32", "fp32", "bf16"]), "attention": draw.choice(["tiled", "tiled", "naive"]),
        "checkpointing": draw.choice(["none", "none", "pointwise", "block"]),
        "optimizer": draw.choice(["adamw", "adamw", "adamw8", "sgd"]), "loss": draw.choice(["whole", "whole", "tokens(64)"]),
        "adapter": draw.choice(["none", "none", "lora(4)", "ia3"]),
    }
    if axes["adapter"] != "none":
        axes["base"] = draw.choice(["fp32", "bf16", "q8_0"])
    return axes


def fit(axes, limit):
    words = [word for name, value in axes.items() for word in ("-a", f"{name}={value}")]
    result = subprocess.run(
        [PROGRAM, "fit", *words, "--memory", f"{limit}B", "--json", "-"], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{axes}\n{result.stderr}")
    return json.loads(result.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--settings", type=int, default=200)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(asked.seed)
    cases, without = {}, 0
    for _ in range(asked.settings):
        axes = setting(draw)
        whole = fit(axes, 1 << 40)["needed_bytes"]
        limit = int(whole * draw.uniform(0.55, 0.97))
        answer = fit(axes, limit)
        assert answer["verdict"] == "does not fit", answer["verdict"]
        without += not answer["mends"]
        for mend in answer["mends"][: asked.each]:
            changed = {k: v for k, v in axes.items() if k not in mend["changes"]} | mend["changes"]
            changed["memory-limit"] = f"{limit}B"
            key = ",".join(f"{k}={v}" for k, v in sorted(changed.items()))
            cases[key] = (changed, mend, answer["bytes"])
    suite = ["suite: mends", "measure: { within: 50 %, budget: 1 ms }", "sweep:"]
    for changed, _, _ in cases.values():
        suite.append("  - workload: training-step\n    axes:")
        suite += [f"      {name}: {value}" for name, value in changed.items()]
    (asked.folder / "mends.yaml").write_text("\n".join(suite) + "\n")
    run = asked.folder / "mends.jsonl"
    subprocess.run(
        [PROGRAM, "sweep", asked.folder / "mends.yaml", "-o", run, "--replace"], stdout=subprocess.DEVNULL)
    report = json.loads(subprocess.run([PROGRAM, "report", run, "--json", "-"], capture_output=True).stdout)
    found = {json.dumps(one["axes"], sort_keys=True): one for one in report["cases"]}
    fits = exact = close = 0
    for changed, mend, before in cases.values():
        one = next(
            case for case in report["cases"]
            if all(str(case["axes"].get(name)) == str(value) for name, value in changed.items()))
        peak = one["memory"]["peak_bytes"]
        if one["outcome"] != "ok":
            print("did not fit:", one["id"], one["reason"])
            continue
        fits += 1
        exact += peak == mend["bytes"]
        close += abs((before - peak) - mend["saved_bytes"]) <= 0.02 * mend["saved_bytes"]
    print(f"{asked.settings} settings that do not fit, {without} without a change that makes them fit")
    print(f"{len(cases)} changes were run: {fits} fit, {exact} to the byte as predicted, "
          f"{close} with the saving within 2 %")
    return 0 if fits == len(cases) == close else 1


sys.exit(main())
