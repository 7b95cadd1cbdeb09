#!/usr/bin/env python3
"""Two sweeps of the quick suite, one after the other, each with six processes a case.

Usage: Tests/Benchmarks/repeat.py [SUITE]   (after `swift build -c release`)
Bounds: the intervals of at least 90 % of the rows that are not marked unsteady overlap, and at
most 20 % of the rows are marked.
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, ".build/release/headroom")


def sweep(suite, folder, name):
    out = subprocess.run(
        [PROGRAM, "sweep", suite, "--runs", "6", "-o", os.path.join(folder, name + ".jsonl"),
         "--json", "-"], check=True, capture_output=True, text=True)
    return {case["id"]: case for case in json.loads(out.stdout)["cases"]}


def main():
    suite = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "suites/quick.yaml")
    with tempfile.TemporaryDirectory() as folder:
        first, second = sweep(suite, folder, "first"), sweep(suite, folder, "second")
    steady = overlapping = marked = 0
    for name, one in first.items():
        other = second[name]
        moved = "unsteady" in one["marks"] or "unsteady" in other["marks"]
        marked += moved
        a, b = one["latency"], other["latency"]
        overlap = a["low"] <= b["high"] and b["low"] <= a["high"]
        if not moved:
            steady += 1
            overlapping += overlap
        print(f"{'unsteady' if moved else 'overlap ' if overlap else 'APART   '} "
              f"{a['low'] * 1e6:10.1f} {a['median'] * 1e6:10.1f} {a['high'] * 1e6:10.1f} µs | "
              f"{b['low'] * 1e6:10.1f} {b['median'] * 1e6:10.1f} {b['high'] * 1e6:10.1f} µs  {name}")
    print(f"{overlapping} of {steady} steady rows overlap; {marked} of {len(first)} are marked")
    good = overlapping >= 0.9 * steady and marked <= 0.2 * len(first)
    sys.exit(not good)


main()
