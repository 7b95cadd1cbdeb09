#!/usr/bin/env python3
"""Mutated inputs to every reader: does any end the program by a signal, hang it, or take its memory?

Usage: reader_mutations.py [--inputs 1000000] [--output reports/logs/reader-mutations.txt]
                           [--tests .build/release/headroomPackageTests.xctest]

Runs the benchmark of Tests/ReaderTests in processes of 25,000 inputs each; build the tests before
(make test). An input that takes over ten seconds ends its process by SIGALRM. The log has, for each
reader, what was read and what was refused in words, and the largest resident size of any process.
"""
import argparse
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time

READERS = ["run", "results", "gate", "accept", "calibration", "suite", "history", "answer",
           "safetensors", "heap", "settings", "figures"]
BATCH = 25_000


def batch(tests, reader, first, count, mark):
    """Output, the seed at which a signal came (or none), and the largest resident size in MiB."""
    environment = dict(
        os.environ, HEADROOM_MUTATIONS=f"{reader}:{first}:{count}", HEADROOM_MUTATIONS_MARK=mark,
        SWIFT_BACKTRACE="enable=no")
    command = [tests, "--testing-library", "swift-testing", "--filter", "a million mutations"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.communicate()[0]
    if process.returncode == 0:
        return output, None
    with open(mark, "rb") as file:
        return output, struct.unpack("<Q", file.read(8))[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--output", default="reports/logs/reader-mutations.txt")
    parser.add_argument("--tests", default=".build/release/headroomPackageTests.xctest")
    arguments = parser.parse_args()
    each = -(-arguments.inputs // len(READERS))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    lines = [f"# {arguments.inputs} mutated inputs, commit {commit}", ""]
    failures = 0
    started = time.time()
    with tempfile.TemporaryDirectory() as folder:
        mark = os.path.join(folder, "mark")
        for reader in READERS:
            read = refused = 0
            for first in range(0, each, BATCH):
                count = min(BATCH, each - first)
                output, seed = batch(arguments.tests, reader, first, count, mark)
                found = re.search(r"mutations \w+: (\d+) read, (\d+) refused", output)
                if seed is not None or not found:
                    failures += 1
                    lines.append(f"{reader}: FAILED at seed {seed}: {output[-400:]}")
                    print(lines[-1], file=sys.stderr)
                    continue
                read += int(found[1])
                refused += int(found[2])
            lines.append(f"{reader}: {read} read, {refused} refused in words")
            print(lines[-1], flush=True)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    lines += [
        "",
        f"{failures} ended by a signal, by ten seconds without an answer, or without words",
        f"largest resident size of a process: {largest:.0f} MiB",
        f"{time.time() - started:.0f} s",
    ]
    os.makedirs(os.path.dirname(arguments.output) or ".", exist_ok=True)
    with open(arguments.output, "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines[-3:]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
