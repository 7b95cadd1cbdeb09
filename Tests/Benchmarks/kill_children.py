#!/usr/bin/env python3
"""Children killed at random in the middle of their cases: does what their ledgers said last stand in the
records, and is no point of a timeline torn?

Usage: kill_children.py [--kills 1000] [--seed 1] [--program .build/release/headroom]

A sweep takes many processes of one small step of training, and each is killed at a moment of its life that
is drawn: while it starts, allocates, is checked, or is timed. Every record must be a crash by SIGKILL, and of
one that had begun to allocate the account and the timeline must be there and hold together.
"""
import argparse
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

SIZES = ("layers=2 hidden=64 ffn=128 heads=2 kv-heads=2 head-dim=32 vocab=256 batch=1 tokens=64 "
         "threads=1").split()


def ledger_of(process):
    try:
        with open(f"/proc/{process}/maps") as file:
            return any(line.rstrip().endswith(".ledger") for line in file)
    except OSError:
        return False


def children(parent):
    found = []
    for path in glob.glob(f"/proc/{parent}/task/*/children"):
        try:
            with open(path) as file:
                found += [int(word) for word in file.read().split()]
        except OSError:
            pass
    return found


def faults_of(record):
    """What is wrong with a record, in words."""
    outcome = record["outcome"]
    if (outcome["name"], outcome.get("kind")) != ("crashed", "SIGKILL"):
        return [f"outcome {outcome}"]
    memory, timeline = record.get("memory"), record.get("timeline")
    if memory is None:
        return ["there is no account"]
    if timeline is None:
        # Killed between the mapping and the first point.
        return [] if memory["allocations"] == 0 else ["there is no timeline"]
    faults = []
    if len(timeline) > 64:
        faults.append(f"{len(timeline)} points")
    if timeline[0]["seconds"] != 0 or timeline[0]["phase"] != "operands":
        faults.append("it does not begin with its operands")
    times = [point["seconds"] for point in timeline]
    if times != sorted(times):
        faults.append("time goes back")
    peaks = {}
    for phase in memory["ledger"]["phases"].values():
        for role, held in phase.items():
            peaks[role] = max(peaks.get(role, 0), held)
    peak = max((sum(phase.values()) for phase in memory["ledger"]["phases"].values()), default=0)
    for point in timeline:
        if sum(point["live"].values()) > peak:
            faults.append("a point holds more than the ledger's peak")
        if any(held > peaks.get(role, 0) for role, held in point["live"].items()):
            faults.append("a role of a point holds more than its peak")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=".build/release/headroom")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        command = [os.path.abspath(arguments.program), "sweep", "--workload", "training-step"]
        command += [word for size in SIZES for word in ("-a", size)]
        command += ["--runs", str(arguments.kills), "--budget", "60s", "--within", "0.0000001%",
                    "--cpus", "0", "-o", "run.jsonl"]
        sweep = subprocess.Popen(
            command, cwd=folder, env=dict(os.environ, TMPDIR=folder, XDG_CACHE_HOME=folder),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killed = set()
        while sweep.poll() is None:
            for child in children(sweep.pid):
                if child in killed or not ledger_of(child):
                    continue
                time.sleep(chance.expovariate(1 / 0.05))
                os.kill(child, signal.SIGKILL)
                killed.add(child)
        with open(os.path.join(folder, "run.jsonl")) as file:
            records = [json.loads(line) for line in file][1:]
    faults = [fault for record in records for fault in faults_of(record)]
    counts = [len(record.get("timeline") or []) for record in records]
    phases = sorted({record["memory"]["phase"] for record in records if record.get("memory")})
    print(f"{len(killed)} children killed, {len(records)} records")
    print(f"timelines of {min(counts)} to {max(counts)} points; killed in {', '.join(phases)}")
    print(f"{len(faults)} faults: lost, torn or impossible")
    for fault in sorted(set(faults)):
        print(f"  {faults.count(fault)} × {fault}")
    return 1 if faults or len(records) != arguments.kills else 0


if __name__ == "__main__":
    sys.exit(main())
