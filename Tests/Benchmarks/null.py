#!/usr/bin/env python3
"""A build against itself, often: how often the gate says otherwise.

    python3 Tests/Benchmarks/null.py [RUNS] [--load] [--log FILE]

Runs `headroom gate suites/null.yaml` RUNS times, each with a seed of its own, and appends a line a run
to the log (default: reports/gate-null.csv). With --load a neighbour keeps every processor busy half of
the time. Prints the rate of false verdicts with its 95 % upper bound (Clopper and Pearson).
"""

import csv
import json
import os
import subprocess
import sys
import time

HEADROOM = ".build/release/headroom"
FIELDS = ["at", "commit", "processor", "load", "seed", "verdict", "cases", "inconclusive", "blocks", "seconds"]
NEIGHBOUR = "import time\nwhile True:\n e=time.time()+0.2\n while time.time()<e: pass\n time.sleep(0.2)"


def upper(failures, runs):
    """The rate at which so few failures have 2.5 %."""
    from math import comb

    low, high = failures / runs, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        tail = sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(failures + 1))
        low, high = (rate, high) if tail > 0.025 else (low, rate)
    return high


def main(arguments):
    log = arguments[arguments.index("--log") + 1] if "--log" in arguments else "reports/gate-null.csv"
    runs = int(arguments[0]) if arguments and arguments[0].isdigit() else 20
    is_loaded = "--load" in arguments
    earlier = sum(1 for _ in open(log)) if os.path.exists(log) else 0
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    neighbours = [
        subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) for _ in range(os.cpu_count() if is_loaded else 0)
    ]
    try:
        with open(log, "a", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            if not earlier:
                writer.writeheader()
            for index in range(runs):
                seed = earlier + index + 1
                start = time.time()
                subprocess.run(
                    [HEADROOM, "gate", "suites/null.yaml", "--base", HEADROOM, "--seed", str(seed)]
                    + ["-o", "/tmp/null.json", "--replace", "--json", "/tmp/null-answer.json"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                answer = json.load(open("/tmp/null-answer.json"))
                processor = json.load(open("/tmp/null.json"))["machine"]["cpu_model"]
                writer.writerow(dict(
                    at=time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(start)), commit=commit, processor=processor,
                    load="half" if is_loaded else "idle", seed=seed, verdict=answer["verdict"],
                    cases=len(answer["cells"]),
                    inconclusive=sum(cell["verdict"] == "inconclusive" for cell in answer["cells"]),
                    blocks=sum(cell["blocks"] for cell in answer["cells"]), seconds=round(time.time() - start, 1)))
                file.flush()
    finally:
        for neighbour in neighbours:
            neighbour.kill()
    for load in ("idle", "half"):
        rows = [row for row in csv.DictReader(open(log)) if row["load"] == load]
        if not rows:
            continue
        for verdict in ("regressed", "contaminated", "inconclusive"):
            count = sum(row["verdict"] == verdict for row in rows)
            print(f"{load}: {count} of {len(rows)} {verdict}, 95 % up to {100 * upper(count, len(rows)):.1f} %")
        seconds = sorted(float(row["seconds"]) for row in rows)
        print(f"{load}: median {seconds[len(seconds) // 2]} s a run")


if __name__ == "__main__":
    main(sys.argv[1:])
