#!/usr/bin/env python3
"""Holds the harness against the clock: a busy-wait's median and 1000 calls between two readings.

Usage: Tests/Benchmarks/truth.py [TURNS]   (after `swift build -c release`; needs cc)
The two take turns; bound: medians within 0.5 % of each other.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, ".build/release/headroom")
# Much longer than one reading of the clock, by which two busy-waits may differ.
LENGTHS = ["20000", "200000", "1000000"]
BOUND = 0.005


def main():
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ours = {length: [] for length in LENGTHS}
    clock = {length: [] for length in LENGTHS}
    with tempfile.TemporaryDirectory() as folder:
        peer = os.path.join(folder, "truth")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "truth.c")
        subprocess.run(["cc", "-O2", source, "-o", peer], check=True)
        for turn in range(turns):
            out = subprocess.run([peer, *LENGTHS], check=True, capture_output=True, text=True)
            for length, line in zip(LENGTHS, out.stdout.split()):
                clock[length].append(float(line))
            report = subprocess.run(
                [PROGRAM, "sweep", "--workload", "self-test", "-a", "threads=1",
                 "-a", "nanoseconds=" + ",".join(LENGTHS), "--budget", "2s",
                 "-o", os.path.join(folder, f"{turn}.jsonl"), "--json", "-"],
                check=True, capture_output=True, text=True)
            for case in json.loads(report.stdout)["cases"]:
                ours[str(case["axes"]["nanoseconds"])].append(case["latency"]["median"] * 1e9)
    worst = 0
    for length in LENGTHS:
        mine, theirs = statistics.median(ours[length]), statistics.median(clock[length])
        off = mine / theirs - 1
        worst = max(worst, abs(off))
        print(f"{int(length):>8} ns asked: harness {mine:.1f}, clock {theirs:.1f}, {off:+.3%}")
    print(f"worst {worst:.3%}, bound {BOUND:.1%}: {'good' if worst <= BOUND else 'BAD'}")
    sys.exit(worst > BOUND)


main()
