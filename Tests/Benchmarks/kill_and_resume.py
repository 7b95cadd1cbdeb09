#!/usr/bin/env python3
"""A sweep whose parent is killed at random and resumed, and two sweeps on one file: is anything lost,
doubled, torn, or left behind?

Usage: kill_and_resume.py [--kills 200] [--pairs 50] [--program .build/release/headroom]
                          [--output reports/logs/kill-and-resume.txt]

After each kill, every whole line that was in the file must still be there, in its place, and none
twice; the resumed sweep must end with all cases. At the end no worker, no folder in TMPDIR and no
control group of a dead parent may be there, once another sweep has begun. Of two sweeps on one file,
one at the most may write at a time.
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

CASES = 10
SWEEP = [
    "sweep", "--workload", "self-test",
    "-a", "nanoseconds=" + ",".join(str(20000 + 1000 * case) for case in range(CASES)),
    "-a", "threads=1", "--cpus", "0", "--budget", "50ms", "--memory-limit", "8MiB",
]


def whole_lines(path):
    try:
        data = open(path, "rb").read()
    except FileNotFoundError:
        return []
    lines = data.split(b"\n")
    last = lines.pop()
    try:
        json.loads(last)
        lines.append(last)
    except ValueError:
        pass
    return lines


def faults_of(path, before, isDone):
    """What is wrong with a run file, in words."""
    lines = whole_lines(path)
    faults = []
    if lines[:len(before)] != before:
        faults.append("a line that was whole is gone")
    names = [json.loads(line)["case"]["id"] for line in lines[1:]]
    if len(set(names)) != len(names):
        faults.append("a record is there twice")
    if isDone and len(names) != CASES:
        faults.append(f"{len(names)} of {CASES} records")
    return faults


def leftovers(folder):
    found = glob.glob(os.path.join(folder, "headroom-run-*"))
    with open("/proc/self/cgroup") as file:
        for line in file:
            controllers, path = line.rstrip("\n").split(":", 2)[1:]
            if "memory" in controllers.split(","):
                found += glob.glob(f"/sys/fs/cgroup/memory{path}/headroom-*")
            if controllers == "":
                found += glob.glob(f"/sys/fs/cgroup{path}/headroom-*")
    return found


def workers(folder):
    found = []
    for entry in glob.glob("/proc/[0-9]*"):
        try:
            if os.readlink(entry + "/cwd") == folder:
                found.append(entry)
        except OSError:
            pass
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=".build/release/headroom")
    parser.add_argument("--output", default="reports/logs/kill-and-resume.txt")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    output = os.path.abspath(arguments.output)
    chance = random.Random(arguments.seed)
    faults, files = [], 0
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        environment = dict(os.environ, TMPDIR=folder, XDG_CACHE_HOME=folder)

        def start(more):
            return subprocess.Popen(
                [program] + SWEEP + more, cwd=folder, env=environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        path = os.path.join(folder, "run.jsonl")
        kills = 0
        while kills < arguments.kills:
            before = whole_lines(path)
            process = start(["-o", "run.jsonl", "--resume"])
            try:
                errors = process.communicate(timeout=chance.uniform(0, 6))[1]
                if process.returncode != 0:
                    faults.append(f"resumed: exit {process.returncode}: {errors[-200:]}")
                faults += [f"done: {fault}" for fault in faults_of(path, before, True)]
                files += 1
                os.remove(path)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                faults += [f"killed: {fault}" for fault in faults_of(path, before, False)]
        process = start(["-o", "run.jsonl", "--resume"])
        process.communicate()
        faults += faults_of(path, [], True)
        # A worker sees that its parent is gone within a tenth of a second.
        time.sleep(1)
        left = [f"left: {place}" for place in leftovers(folder) + workers(folder)]
        faults += left
        os.remove(path)

        refused = 0
        for _ in range(arguments.pairs):
            first, second = chance.choice(
                [([], []), (["--replace"], ["--replace"]), (["--resume"], ["--resume"]),
                 (["--replace"], ["--resume"])])
            pair = [start(["-o", "run.jsonl"] + first)]
            time.sleep(chance.uniform(0, 2.5))
            pair.append(start(["-o", "run.jsonl"] + second))
            ends = [(process.communicate()[1], process.returncode) for process in pair]
            for errors, code in ends:
                if code == 2 and ("another sweep is writing" in errors or "file exists" in errors):
                    refused += 1
                elif code != 0:
                    faults.append(f"pair: exit {code}: {errors[-200:]}")
            if not any(code == 0 for _, code in ends):
                faults.append("pair: neither ended well")
            faults += [f"pair: {fault}" for fault in faults_of(path, [], True)]
            os.remove(path)
        faults += [f"left: {place}" for place in leftovers(folder) + workers(folder)]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    lines = [
        f"# a parent killed at random and resumed, commit {commit}", "",
        f"{kills} kills, {files} files finished with all of {CASES} cases",
        f"{arguments.pairs} pairs of sweeps on one file, {refused} refused",
        f"{len(faults)} faults: lost, doubled, torn or left behind",
    ] + faults
    os.makedirs(os.path.dirname(output), exist_ok=True)
    with open(output, "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
