#!/usr/bin/env python3
"""What a child costs beyond its work: from its start to `prepared`, and its own memory.

Usage: Tests/Benchmarks/child-cost.py [TURNS]   (after `swift build -c release`)
Speaks the worker protocol itself, with the smallest of all cases. Bounds: 60 ms beyond the
warm-up's windows, 32 MiB of private memory beyond the ledger's.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, ".build/release/headroom")


def private_bytes(process):
    with open(f"/proc/{process}/status") as status:
        for line in status:
            if line.startswith("RssAnon"):
                return int(line.split()[1]) << 10


def turn(folder, threads):
    order = {
        "workload": "self-test", "problem": '{"behaviour":"busy","nanoseconds":1000}',
        "variant": "portable", "threads": threads, "cpus": list(range(threads)), "cache": "warm",
        "seed": 1, "ledger": os.path.join(folder, "ledger"),
        "sampling": {"block": 0.1, "sample": 0.001}, "last_level_cache": 1 << 25}
    start = time.monotonic()
    child = subprocess.Popen([PROGRAM, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    child.stdout.readline()
    hello = time.monotonic() - start

    def ask(request):
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
        return json.loads(child.stdout.readline())

    prepared = ask({"prepare": {"order": order}})["prepared"]["_0"]
    ready = time.monotonic() - start
    windows = 0.010 * len(prepared["warm_up"]["windows"])
    memory = private_bytes(child.pid)
    ask({"sample": {}})
    before = time.monotonic()
    ask({"finish": {}})
    child.wait()
    return hello, ready - windows, time.monotonic() - before, memory


def main():
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bad = False
    with tempfile.TemporaryDirectory() as folder:
        for threads in sorted({1, os.cpu_count()}):
            rows = [turn(folder, threads) for _ in range(turns)]
            hello, ready, finish, memory = (statistics.median(column) for column in zip(*rows))
            total = ready + finish
            bad |= total > 0.060 or memory > 32 << 20
            print(f"{threads} threads: hello {hello * 1e3:.1f} ms, ready {ready * 1e3:.1f} ms, "
                  f"finish {finish * 1e3:.1f} ms, together {total * 1e3:.1f} ms; "
                  f"private {memory / 2**20:.1f} MiB")
    sys.exit(bad)


main()
