#!/usr/bin/env python3
"""The gate on trial: how often it is wrong on this machine, where the truth is known.

    python3 Tests/Benchmarks/trials.py null [RUNS] [--load]     a build against itself, suites/null.yaml
    python3 Tests/Benchmarks/trials.py ci [RUNS]                the same, suites/ci.yaml
    python3 Tests/Benchmarks/trials.py slow-down [RUNS] [--by 5]
                                                                exact extra work: calls in addition,
                                                                in all cases of suites/ci.yaml
    python3 Tests/Benchmarks/trials.py relink [RUNS]            against itself, linked in another order
    python3 Tests/Benchmarks/trials.py counts [RUNS]            an allocation more
    python3 Tests/Benchmarks/trials.py again [RUNS]             the same regressed head again and again
    python3 Tests/Benchmarks/trials.py replay                   made-up timings through gate --replay
    python3 Tests/Benchmarks/trials.py judge                    the blocks of all runs, judged again
    python3 Tests/Benchmarks/trials.py summary [SINCE]          what all of them came to, or those from a
                                                                time on, as 2026-11-22T09:00Z: a page in
                                                                Markdown

Each run appends lines to reports/trials/<trial>.csv, and its blocks to reports/trials/blocks/<trial>.jsonl.gz:
a line each in the plain form that gate --replay takes, so that another rule can be tried on them without
another run. Rates come with the 95 % interval of Clopper and Pearson.
"""

import csv
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time

HEADROOM = os.environ.get("HEADROOM", ".build/release/headroom")
FOLDER = os.environ.get("TRIALS", "reports/trials")
NEIGHBOUR = "import time\nwhile True:\n e=time.time()+0.2\n while time.time()<e: pass\n time.sleep(0.2)"
COMMON = ["at", "commit", "processor", "load", "seed"]


def bound(successes, runs, upper):
    """Clopper and Pearson's end of the 95 % interval."""
    if successes == (runs if upper else 0):
        return 1.0 if upper else 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        tail = sum(
            math.exp(
                math.lgamma(runs + 1) - math.lgamma(k + 1) - math.lgamma(runs - k + 1)
                + k * math.log(rate) + (runs - k) * math.log1p(-rate))
            for k in (range(successes + 1) if upper else range(successes, runs + 1)))
        # The tail falls with the rate for the upper end, and rises with it for the lower.
        if (tail > 0.025) == upper:
            low = rate
        else:
            high = rate
    return high


def path(trial):
    return f"{FOLDER}/{trial}.csv"


def rows(trial):
    return list(csv.DictReader(open(path(trial)))) if os.path.exists(path(trial)) else []


def append(trial, lines):
    os.makedirs(FOLDER, exist_ok=True)
    is_new = not os.path.exists(path(trial))
    with open(path(trial), "a", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        if is_new:
            writer.writeheader()
        writer.writerows(lines)


def publish(trial, seed, result):
    """Appends a run's blocks. A gzip file takes another one at its end."""
    digits = lambda times: [float(f"{time:.5g}") for time in times]
    cells = [
        dict(name=cell["name"], blocks=[
            block | dict(base=digits(block["base"]), head=digits(block["head"])) for block in cell["blocks"]])
        for cell in result["cells"]]
    verdicts = {cell["name"]: cell["judged"]["verdict"] for cell in result["cells"]}
    os.makedirs(f"{FOLDER}/blocks", exist_ok=True)
    with gzip.open(f"{FOLDER}/blocks/{trial}.jsonl.gz", "at") as file:
        line = dict(seed=seed, verdict=result["verdict"], verdicts=verdicts, cells=cells)
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


def judge():
    """Judges the blocks of all runs again, and counts the cases whose verdict is another one.

    A run that stopped at its verdict may lack blocks that another rule asks for: inconclusive then.
    """
    for name in sorted(os.listdir(f"{FOLDER}/blocks")):
        runs, cells, others = 0, 0, {}
        for line in gzip.open(f"{FOLDER}/blocks/{name}", "rt"):
            run = json.loads(line)
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(dict(cells=run["cells"]), file)
                file.flush()
                answer = json.loads(subprocess.run(
                    [HEADROOM, "gate", "--replay", file.name, "--json", "-"], capture_output=True, text=True).stdout)
            runs += 1
            for cell in answer["cells"]:
                cells += 1
                before, now = run["verdicts"][cell["name"]], cell["verdict"]
                if before != now:
                    others[f"{before} is {now}"] = others.get(f"{before} is {now}", 0) + 1
        print(f"{name.split('.')[0]}: {runs} runs, {cells} cases, "
              + (", ".join(f"{word}: {count}" for word, count in others.items()) or "all as they were"))


def gate(trial, suite, seed, *options, is_calibrated=False):
    """One run: the answer, and what all trials note of it.

    Without a calibration, so that the tolerances are the standard's.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        run = subprocess.run(
            [HEADROOM, "gate", suite, "--base", HEADROOM, "--seed", str(seed), *options]
            + ["-o", f"{folder}/r.json", "--json", f"{folder}/a.json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ) if is_calibrated else dict(os.environ, XDG_CACHE_HOME=folder))
        seconds = round(time.time() - start, 1)
        if not os.path.exists(f"{folder}/a.json"):
            sys.exit(run.stderr)
        answer = json.load(open(f"{folder}/a.json"))
        result = json.load(open(f"{folder}/r.json"))
    publish(trial, seed, result)
    common = dict(
        at=time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(start)),
        commit=result["base"]["commit"].get("value", "")[:7], processor=result["machine"]["cpu_model"],
        load=os.environ.get("LOAD", "idle"), seed=seed)
    return answer, common, seconds


def null(trial, suite, runs):
    for _ in range(runs):
        answer, common, seconds = gate(trial, suite, len(rows(trial)) + 1)
        append(trial, [common | dict(
            verdict=answer["verdict"], cases=len(answer["cells"]),
            inconclusive=sum(cell["verdict"] == "inconclusive" for cell in answer["cells"]),
            blocks=sum(cell["blocks"] for cell in answer["cells"]), seconds=seconds)])


def slow_down(runs, by):
    for _ in range(runs):
        seed = 1000 + len(rows("slow-down"))
        answer, common, _ = gate("slow-down", "suites/ci.yaml", seed, "--slow-down", f"{by}%")
        append("slow-down", [
            common | dict(
                slow_down=by, case=cell["name"].split(",variant")[0].replace(",", " "), verdict=cell["verdict"],
                detectable=round(cell.get("detectable", math.inf), 4), blocks=cell["blocks"],
                median=round(cell["change"]["median"], 4), suite=answer["verdict"])
            for cell in answer["cells"]])


def relink(runs):
    for _ in range(runs):
        # Seeds beyond those that a calibration uses.
        seed = 10_000 + len(rows("relink"))
        answer, common, seconds = gate("relink", "suites/null.yaml", seed, "--relink", str(seed), is_calibrated=True)
        moved = max(abs(cell["change"]["median"]) for cell in answer["cells"] if cell.get("change"))
        append("relink", [common | dict(
            verdict=answer["verdict"], floor=round(answer["relink_floor"].get("value", 0), 4),
            moved=round(moved, 4), blocks=sum(cell["blocks"] for cell in answer["cells"]), seconds=seconds)])


def counts(runs):
    for _ in range(runs):
        for grow in ("64B", "4KiB"):
            seed = 20_000 + len(rows("counts"))
            answer, common, _ = gate("counts", "suites/null.yaml", seed, "--grow", grow)
            found = [cell for cell in answer["cells"] if "allocations" in cell["regressed"]]
            append("counts", [common | dict(
                grow=grow, cases=len(answer["cells"]), allocations_found=len(found),
                bytes_found=sum("peak bytes" in cell["regressed"] for cell in answer["cells"]))])


def again(runs):
    for _ in range(runs):
        seed = 30_000 + len(rows("again"))
        answer, common, _ = gate("again", "suites/null.yaml", seed, "--slow-down", "12%", "--only-case", "*q*m=1,*")
        failing = sorted(cell["name"] for cell in answer["cells"] if cell["verdict"] == "regressed")
        append("again", [common | dict(
            verdict=answer["verdict"],
            failing="; ".join(name.split(",group")[0].replace(",", " ") for name in failing))])


# Made-up machines: each gives the logarithms of a block's two sides, head slower by so much.


def log_normal(draw, shift):
    return [0.003 * draw.gauss(0, 1) + 0.01 * draw.gauss(0, 1) / math.sqrt(2) + side * shift for side in (0, 1)]


def heavy_tails(draw, shift):
    tail = lambda: 0.003 * draw.gauss(0, 1) / math.sqrt(draw.expovariate(1))
    return [(tail() + tail()) / 2 + side * shift for side in (0, 1)]


def needle(draw, shift):
    """A narrow core with a tail: a twentieth of the sides stray by several per cent."""
    return [
        0.0017 * draw.gauss(0, 1) + (draw.uniform(-0.2, 0.2) if draw.random() < 0.05 else 0) + side * shift
        for side in (0, 1)]


def measured(draw, shift):
    """As pairs of small cloud machines were: a core of 0.17 %, and one in twenty far off, 5 % in all."""
    difference = 0.0017 * draw.gauss(0, 1)
    if draw.random() < 0.05:
        difference += draw.choice((-1, 1)) * draw.uniform(0.03, 0.35)
    return [0.0, difference + shift]


def bursts(draw, shift):
    return [0.003 * draw.gauss(0, 1) + (0.26 if draw.random() < 0.15 else 0) + side * shift for side in (0, 1)]


MACHINES = dict(log_normal=log_normal, heavy_tails=heavy_tails, needle=needle, measured=measured, bursts=bursts)


def replay():
    """Made-up timings of all cases slowed, of none, and of few: then the others are not counted."""
    for cases, blocks, slowed in ((40, 64, 40), (100, 25, 100), (100, 25, 5)):
        for name, machine in MACHINES.items():
            for percent in (0, 5, 7):
                if percent or slowed == cases:
                    replay_one(name, machine, cases, blocks, slowed if percent else 0, percent)


def replay_one(name, machine, cases, blocks, slowed, percent):
    draw = random.Random(f"{name} {cases} {percent}" + (f" {slowed}" if 0 < slowed < cases else ""))
    suites = 4000 // slowed if slowed else 105 if cases == 100 else 100
    suites = min(suites, 160)
    tally = dict(regressed=0, passed=0, inconclusive=0)
    failed, false, used = 0, 0, 0
    for _ in range(suites):
        cells = []
        for index in range(cases):
            by = math.log1p(percent / 100) if index < slowed else 0
            pairs = [machine(draw, by) for _ in range(blocks)]
            cells.append(dict(name=f"c{index}", blocks=[
                dict(base=[math.exp(a)], head=[math.exp(b)]) for a, b in pairs]))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(dict(cells=cells), file)
            file.flush()
            run = subprocess.run(
                [HEADROOM, "gate", "--replay", file.name, "--json", "-"], capture_output=True, text=True)
        answer = json.loads(run.stdout)
        failed += answer["verdict"] == "regressed"
        for index, cell in enumerate(answer["cells"]):
            used += cell["blocks"]
            word = {"regressed": "regressed", "inconclusive": "inconclusive"}.get(cell["verdict"], "passed")
            if index < slowed or slowed == 0:
                tally[word] += 1
            else:
                false += word == "regressed"
    append("replay", [dict(
        machine=name, cases=cases, slowed=slowed, blocks=blocks, slow_down=percent, suites=suites,
        suites_regressed=failed, false=false, **tally, blocks_a_case=round(used / suites / cases, 1))])


def rate(successes, runs):
    low, high = bound(successes, runs, False), bound(successes, runs, True)
    return f"{successes} of {runs} ({100 * low:.1f} to {100 * high:.1f} %)"


def table(title, words, columns, lines):
    """A chapter of the page; nothing where there is no line."""
    if not lines:
        return
    print(f"\n## {title}\n" + (f"\n{words}\n" if words else ""))
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for line in lines:
        print("| " + " | ".join(str(cell) for cell in line) + " |")


def tally(found, words):
    return [rate(sum(row["verdict"] == word for row in found), len(found)) for word in words]


def summary(since):
    """All trials, added up: a page in Markdown."""
    def rows(trial):
        return [row for row in globals()["rows"](trial) if row.get("at", "9") >= since]

    print("# The gate on trial\n\nWhat the gate said where the truth was known. This page is made from the "
          "stored trials in `reports/trials` by\n`make results`; nothing in it is written by hand. A rate "
          "stands with its 95 % interval (Clopper and Pearson).")

    lines = []
    for trial, load in [("null", "idle"), ("null", "half"), ("ci", "idle"), ("ci", "half"), ("relink", "idle")]:
        found = [row for row in rows(trial) if row["load"] == load]
        if found:
            seconds = sorted(float(row["seconds"]) for row in found)
            what = {"idle": "", "half": ", beside a neighbour that keeps both cores half busy"}[load]
            what = f"`suites/{trial}.yaml`{what}" if trial != "relink" else "linked in another order"
            lines.append([what, *tally(found, ("regressed", "inconclusive")),
                          f"{seconds[len(seconds) // 2]:.0f} s, {seconds[-1]:.0f} s"])
    table("Nothing changed", "A build against itself. Each regression would be a false alarm.",
          ["trial", "runs that regressed", "inconclusive", "seconds a run: median, maximum"], lines)

    found, lines = rows("slow-down"), []
    for by in sorted({row["slow_down"] for row in found}, key=float):
        cells = [row for row in found if row["slow_down"] == by]
        able = [row for row in cells if float(row["detectable"]) <= 0.05]
        for what, some in (("all", cells), ("those whose row says that it sees 5 %", able)):
            if some:
                passed = sum(row["verdict"] in ("pass", "improved") for row in some)
                lines.append([f"{by} %", what, *tally(some, ("regressed",)), rate(passed, len(some)),
                              sum(row["verdict"] == "inconclusive" for row in some)])
    table("Exact extra work", "The head does so much more work in every case.",
          ["more work", "cases", "regressed", "passed", "inconclusive"], lines)

    lines = []
    found = rows("counts")
    if found:
        cases = sum(int(row["cases"]) for row in found)
        for what, key in (("an allocation more", "allocations_found"), ("its bytes", "bytes_found")):
            lines.append([what, rate(sum(int(row[key]) for row in found), cases)])
    found = [set(row["failing"].split("; ")) for row in rows("again")]
    if len(found) > 1:
        same = sum(cases == found[0] for cases in found)
        lines.append(["one regressed build again and again: the same cases fail as the first time", rate(same, len(found))])
    for name, what in (("mutants", "the gate"), ("mutants-training", "a training step")):
        latest = {row["mutant"]: row for row in rows(name) if row["mutant"] != "none"}
        killed = sum(row["verdict"] == "killed" for row in latest.values())
        if latest:
            lines.append([f"{what} broken on purpose, in one way at a time: a test fails", f"{killed} of {len(latest)}"])
    table("Counts, repetition, and a broken gate", "", ["trial", "found"], lines)

    table("Made-up timings", "Suites of made-up cases on five kinds of machine, judged by `gate --replay`. Some or none of the "
          "cases are slowed.",
          ["machine", "cases a suite", "slowed", "by", "blocks at most", "suites", "false alarms", "regressed",
           "passed", "inconclusive", "blocks a case"],
          [[row["machine"].replace("_", " "), row["cases"], row["slowed"], f"{row['slow_down']} %", row["blocks"],
            row["suites"], row["false"], row["regressed"], row["passed"], row["inconclusive"], row["blocks_a_case"]]
           for row in rows("replay")])

    if os.path.exists(f"{FOLDER}/simulated.json") and not since:
        table("The method alone", "The decision rule on simulated noise, without any program: `gate --simulate`. Where the coin "
              "is fixed, the same side goes first in each pair: a machine that favours a position then fails every case.",
              ["noise", "coin", "slow-down", "suites", "suites that regressed", "cases", "regressed", "passed",
               "improved", "inconclusive", "blocks a case"],
              [[row["model"], "fixed" if row["is_coin_fixed"] else "thrown", f"{100 * row['slowdown']:g} %",
                row["suites"], row["suites_regressed"], row["cases"], row["regressed"], row["passed"],
                row["improved"], row["inconclusive"], f"{row['blocks_per_case']:.1f}"]
               for row in json.load(open(f"{FOLDER}/simulated.json"))])


def main(arguments):
    trial = arguments[0] if arguments else "summary"
    numbers = [int(word) for word in arguments[1:] if word.isdigit()]
    runs = numbers[0] if numbers else 20
    by = arguments[arguments.index("--by") + 1] if "--by" in arguments else "5"
    neighbours = []
    if "--load" in arguments:
        os.environ["LOAD"] = "half"
        neighbours = [subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) for _ in range(os.cpu_count())]
    try:
        if trial == "null":
            null("null", "suites/null.yaml", runs)
        elif trial == "ci":
            null("ci", "suites/ci.yaml", runs)
        elif trial == "slow-down":
            slow_down(runs, by)
        elif trial in ("relink", "counts", "again"):
            dict(relink=relink, counts=counts, again=again)[trial](runs)
        elif trial == "replay":
            replay()
        elif trial == "judge":
            judge()
        elif trial == "summary":
            summary(arguments[1] if len(arguments) > 1 else "")
        else:
            sys.exit(__doc__)
    finally:
        for neighbour in neighbours:
            neighbour.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
